/* The server's side of TLS by OpenSSL, with the return values of recv(2) and send(2). */
#ifndef LIMIT_TLS_H
#define LIMIT_TLS_H

#include <openssl/ssl.h>
#include <stddef.h>
#include <sys/types.h>

/* One context for all connections, with the certificate chain and the key in one file each. */
void tls_prepare(const char *certificate, const char *key);
SSL *tls_new(int fd);
/* As recv and send: -1 with errno EAGAIN where nothing can be done now, 0 at the end. */
ssize_t tls_receive(SSL *tls, void *out, size_t room);
ssize_t tls_send(SSL *tls, const void *bytes, size_t length);

#endif
