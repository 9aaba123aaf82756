#define _GNU_SOURCE
#include "tls.h"

#include <errno.h>
#include <openssl/err.h>

#include "wire.h"

static SSL_CTX *context;

void tls_prepare(const char *certificate, const char *key) {
    context = SSL_CTX_new(TLS_server_method());
    if (context == NULL)
        usage_error("--certificate: OpenSSL gives no context");
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
        usage_error("--certificate: no chain of certificates in PEM");
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
        usage_error("--key: no key in PEM that fits the certificate");
    /* Sessions are resumed by tickets, so that the server keeps none. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
}

SSL *tls_new(int fd) {
    SSL *tls = SSL_new(context);
    if (tls == NULL || SSL_set_fd(tls, fd) != 1)
        die("SSL_new");
    SSL_set_accept_state(tls);
    return tls;
}

static ssize_t told(SSL *tls, int result) {
    if (result > 0)
        return result;
    int error = SSL_get_error(tls, result);
    ERR_clear_error();
    if (error == SSL_ERROR_ZERO_RETURN)
        return 0;
    errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
    return -1;
}

/* All that has come is read: what lies in OpenSSL's buffers wakes nobody. */
ssize_t tls_receive(SSL *tls, void *out, size_t room) {
    size_t have = 0;
    while (have < room) {
        ssize_t n = told(tls, SSL_read(tls, (char *)out + have, (int)(room - have)));
        if (n <= 0)
            return have > 0 ? (ssize_t)have : n;
        have += (size_t)n;
    }
    return (ssize_t)have;
}

ssize_t tls_send(SSL *tls, const void *bytes, size_t length) {
    return told(tls, SSL_write(tls, bytes, (int)length));
}
