# libcurl for HTTP and files, without TLS: what is fetched is verified against the signed plan.
curl_SOURCE  := curl
curl_LICENSE := curl

define curl_BUILD
$(NODE_CONFIGURE) CFLAGS="$(NODE_SMALL)" --without-ssl --without-zlib --without-brotli --without-zstd --without-libpsl --without-libidn2 \
	--without-nghttp2 --without-librtmp --without-libssh2 --without-libgsasl --without-ca-bundle --without-ca-path --disable-threaded-resolver \
	--disable-ares --disable-ftp --disable-ldap --disable-ldaps --disable-rtsp --disable-dict --disable-telnet --disable-tftp --disable-pop3 \
	--disable-imap --disable-smb --disable-smtp --disable-gopher --disable-mqtt --disable-manual --disable-libcurl-option --disable-ntlm \
	--disable-ntlm-wb --disable-tls-srp --disable-unix-sockets --disable-cookies --disable-socketpair --disable-doh --disable-mime \
	--disable-dateparse --disable-netrc --disable-progress-meter --disable-dnsshuffle --disable-get-easy-options --disable-alt-svc \
	--disable-headers-api --disable-hsts --disable-websockets --disable-verbose --disable-proxy --disable-crypto-auth --disable-aws \
	--disable-kerberos-auth --disable-negotiate-auth --disable-digest-auth --disable-basic-auth --disable-bearer-auth --disable-symbol-hiding
$(NODE_MAKE) -C lib libcurl.la
$(NODE_MAKE) -C lib install-libLTLIBRARIES
$(NODE_MAKE) -C include install
endef

$(eval $(package))
