# LUKS headers and their mappings; in luks.img. The source package has no configure: cryptsetup/config.h says what it would find out.
cryptsetup_SOURCE  := cryptsetup
cryptsetup_LICENSE := GPL-2.0-or-later, LGPL-2.1-or-later (libcryptsetup), CC0-1.0 (argon2)
cryptsetup_TOOL    := yes
cryptsetup_NEEDS   := util-linux lvm2 popt json-c

cryptsetup_CONFIG := $(abspath image/packages/cryptsetup/config.h)
define cryptsetup_BUILD
export LC_ALL=C
sed -n 's/^CS_STR_WITH(\[\([a-z0-9-]*\)\], *\[[^]]*\], *\[\([^]]*\)\]).*/DEFAULT_\1 "\2"/p
	s/^CS_NUM_WITH(\[\([a-z0-9-]*\)\], *\[[^]]*\], *\[\([^]]*\)\]).*/DEFAULT_\1 \2/p' configure.ac |
	while read -r name value; do echo "#define $$(echo $$name | tr a-z- A-Z_) $$value"; done > config.h
sed -n 's/^AC_INIT(\[cryptsetup\],\[\([0-9.]*\)\].*/#define PACKAGE_VERSION "\1"/p' configure.ac >> config.h
cat $(cryptsetup_CONFIG) >> config.h
mkdir objects
for f in $$(find lib src/cryptsetup.c src/utils_*.c -name '*.c'); do
	case $$f in *_gcrypt.c | *_openssl.c | *_nss.c | *_nettle.c | */ref.c) continue ;; esac
	printf '%s\n' "$$f -o objects/$$(echo $$f | tr / _).o"
done | xargs -P 4 -L 1 $(MUSL_GCC) $(NODE_SMALL) -include config.h -I. -Ilib -Ilib/crypto_backend -Ilib/crypto_backend/argon2 -c
$(MUSL_GCC) -Wl,--gc-sections -o cryptsetup objects/*.o -ljson-c -lpopt -ldevmapper -luuid -lblkid -lm
mkdir -p $(TOOLS)
strip -o $(TOOLS)/cryptsetup cryptsetup
endef

$(eval $(package))
