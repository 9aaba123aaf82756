"""What the core uses of OpenSSL (1.1.1 or newer): TLS, BIOs, the checks of certificates."""

cdef extern from "<openssl/ssl.h>" nogil:
    ctypedef struct SSL_CTX:
        pass
    ctypedef struct SSL:
        pass
    ctypedef struct SSL_METHOD:
        pass
    ctypedef struct SSL_SESSION:
        pass
    ctypedef struct SSL_CIPHER:
        pass
    ctypedef struct X509_VERIFY_PARAM:
        pass

    const SSL_METHOD* TLS_client_method()
    SSL_CTX* SSL_CTX_new(const SSL_METHOD* method)
    void SSL_CTX_free(SSL_CTX* context)
    int SSL_CTX_set_app_data(SSL_CTX* context, void* data)
    void* SSL_CTX_get_app_data(SSL_CTX* context)
    unsigned long SSL_CTX_set_options(SSL_CTX* context, unsigned long options)
    long SSL_CTX_set_mode(SSL_CTX* context, long mode)
    int SSL_CTX_set_min_proto_version(SSL_CTX* context, int version)
    int SSL_CTX_set_max_proto_version(SSL_CTX* context, int version)
    int SSL_CTX_set_cipher_list(SSL_CTX* context, const char* text)
    int SSL_CTX_set_ciphersuites(SSL_CTX* context, const char* text)
    int SSL_CTX_set_alpn_protos(SSL_CTX* context, const unsigned char* names, unsigned int length)
    void SSL_CTX_set_verify(SSL_CTX* context, int mode, void* callback)
    int SSL_CTX_set_default_verify_paths(SSL_CTX* context)
    int SSL_CTX_load_verify_locations(SSL_CTX* context, const char* file, const char* folder)
    int SSL_CTX_use_certificate_chain_file(SSL_CTX* context, const char* file)
    int SSL_CTX_use_PrivateKey_file(SSL_CTX* context, const char* file, int form)
    void SSL_CTX_set_default_passwd_cb(
        SSL_CTX* context, int (*callback)(char*, int, int, void*) noexcept nogil
    )
    void SSL_CTX_set_default_passwd_cb_userdata(SSL_CTX* context, void* data)
    long SSL_CTX_set_session_cache_mode(SSL_CTX* context, long mode)
    void SSL_CTX_sess_set_new_cb(
        SSL_CTX* context, int (*callback)(SSL*, SSL_SESSION*) noexcept nogil
    )
    void SSL_SESSION_free(SSL_SESSION* session)

    SSL* SSL_new(SSL_CTX* context)
    void SSL_free(SSL* ssl)
    SSL_CTX* SSL_get_SSL_CTX(const SSL* ssl)
    void SSL_set0_rbio(SSL* ssl, BIO* bio)
    void SSL_set0_wbio(SSL* ssl, BIO* bio)
    void SSL_set_connect_state(SSL* ssl)
    long SSL_set_tlsext_host_name(SSL* ssl, const char* name)
    X509_VERIFY_PARAM* SSL_get0_param(SSL* ssl)
    int SSL_set_session(SSL* ssl, SSL_SESSION* session)
    int SSL_session_reused(const SSL* ssl)
    int SSL_do_handshake(SSL* ssl)
    int SSL_read(SSL* ssl, void* out, int room)
    int SSL_write(SSL* ssl, const void* data, int length)
    int SSL_shutdown(SSL* ssl)
    void SSL_set_shutdown(SSL* ssl, int mode)
    int SSL_has_pending(const SSL* ssl)
    int SSL_get_error(const SSL* ssl, int result)
    long SSL_get_verify_result(const SSL* ssl)
    const char* SSL_get_version(const SSL* ssl)
    const SSL_CIPHER* SSL_get_current_cipher(const SSL* ssl)
    const char* SSL_CIPHER_get_name(const SSL_CIPHER* cipher)
    void SSL_get0_alpn_selected(
        const SSL* ssl, const unsigned char** name, unsigned int* length
    )

    const int SSL_VERIFY_NONE
    const int SSL_VERIFY_PEER
    const int SSL_FILETYPE_PEM
    const int SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
    const int SSL_MODE_RELEASE_BUFFERS
    const int SSL_SESS_CACHE_OFF
    const int SSL_SESS_CACHE_CLIENT
    const int SSL_SESS_CACHE_NO_INTERNAL
    const int SSL_SENT_SHUTDOWN
    const int SSL_RECEIVED_SHUTDOWN
    const int SSL_ERROR_WANT_READ
    const int SSL_ERROR_ZERO_RETURN
    const unsigned long SSL_OP_NO_RENEGOTIATION
    const int SSL_R_CERTIFICATE_VERIFY_FAILED

cdef extern from "<openssl/x509v3.h>" nogil:
    int X509_VERIFY_PARAM_set1_host(X509_VERIFY_PARAM* param, const char* name, size_t length)
    int X509_VERIFY_PARAM_set1_ip_asc(X509_VERIFY_PARAM* param, const char* address)
    void X509_VERIFY_PARAM_set_hostflags(X509_VERIFY_PARAM* param, unsigned int flags)
    const unsigned int X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS
    const int X509_V_ERR_CERT_HAS_EXPIRED
    const int X509_V_ERR_CERT_NOT_YET_VALID
    const int X509_V_ERR_CERT_REVOKED
    const int X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT
    const int X509_V_ERR_HOSTNAME_MISMATCH
    const int X509_V_ERR_IP_ADDRESS_MISMATCH
    const int X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN
    const int X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT
    const int X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
    const int X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE

cdef extern from "<openssl/bio.h>" nogil:
    ctypedef struct BIO:
        pass
    ctypedef struct BIO_METHOD:
        pass

    BIO_METHOD* BIO_meth_new(int kind, const char* name)
    void BIO_meth_free(BIO_METHOD* method)
    int BIO_meth_set_read(BIO_METHOD* method, int (*read)(BIO*, char*, int) noexcept nogil)
    int BIO_meth_set_write(BIO_METHOD* method, int (*write)(BIO*, const char*, int) noexcept nogil)
    int BIO_meth_set_ctrl(BIO_METHOD* method, long (*ctrl)(BIO*, int, long, void*) noexcept nogil)
    int BIO_get_new_index()
    BIO* BIO_new(const BIO_METHOD* method)
    int BIO_free(BIO* bio)
    int BIO_up_ref(BIO* bio)
    void BIO_set_data(BIO* bio, void* data)
    void* BIO_get_data(BIO* bio)
    void BIO_set_init(BIO* bio, int ready)
    void BIO_set_retry_read(BIO* bio)
    void BIO_clear_retry_flags(BIO* bio)
    const int BIO_TYPE_SOURCE_SINK
    const int BIO_CTRL_FLUSH

cdef extern from "<openssl/err.h>" nogil:
    unsigned long ERR_peek_error()
    void ERR_clear_error()
    const char* ERR_reason_error_string(unsigned long code)
    int ERR_GET_REASON(unsigned long code)
