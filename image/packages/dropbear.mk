# The ssh server of the module remotelogin: keys only, no forwarding, one host key that is made on the node.
dropbear_SOURCE  := dropbear
dropbear_LICENSE := MIT

dropbear_DIR := $(abspath $(O)/dropbear)
dropbear_OFF := DROPBEAR_SVR_PASSWORD_AUTH DROPBEAR_SVR_LOCALTCPFWD DROPBEAR_SVR_REMOTETCPFWD DROPBEAR_SVR_AGENTFWD INETD_MODE \
	DROPBEAR_REEXEC DROPBEAR_SHA1_HMAC DROPBEAR_RSA_SHA1 DROPBEAR_DH_GROUP14_SHA1 DROPBEAR_DH_GROUP14_SHA256 DROPBEAR_SFTPSERVER \
	DROPBEAR_DELAY_HOSTKEY
define dropbear_BUILD
printf '#define %s 0\n' $(dropbear_OFF) > localoptions.h
$(NODE_CONFIGURE) CFLAGS="$(NODE_SMALL)" LDFLAGS="-Wl,--gc-sections" --disable-harden --disable-zlib --disable-pam --disable-shadow \
	--disable-lastlog --disable-utmp --disable-utmpx --disable-wtmp --disable-wtmpx --disable-loginfunc --disable-pututline \
	--disable-pututxline --enable-bundled-libtom
$(NODE_MAKE) PROGRAMS="dropbear dropbearkey" MULTI=1 dropbearmulti
mkdir -p $(dropbear_DIR)
strip -o $(dropbear_DIR)/dropbear dropbearmulti
endef

$(eval $(package))
