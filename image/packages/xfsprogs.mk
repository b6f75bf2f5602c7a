# mkfs.xfs and xfs_repair; in xfs.img. xfsprogs/include stands in for two libraries of which almost nothing is used; the empty archives are
# for its configure, which asks for their names.
xfsprogs_SOURCE  := xfsprogs
xfsprogs_TOOL    := yes
xfsprogs_LICENSE := GPL-2.0-only, LGPL-2.1-only (libxfs)
xfsprogs_NEEDS   := util-linux

xfsprogs_CODE := $(NODE_SMALL) -I$(abspath image/packages/xfsprogs/include)
define xfsprogs_BUILD
mkdir none
ar rcsD none/libinih.a
ar rcsD none/liburcu.a
$(NODE_CONFIGURE) CFLAGS="$(xfsprogs_CODE)" OPTIMIZER="$(xfsprogs_CODE)" DEBUG=-DNDEBUG BUILD_CC=gcc BUILD_CFLAGS=-O1 \
	LDFLAGS="-L$$PWD/none -Wl,--gc-sections" --disable-gettext --disable-scrub --disable-libicu --disable-librt ac_cv_lib_inih_ini_parse=yes
$(MAKE) headers
$(MAKE) mkfs repair
mkdir -p $(TOOLS)
strip -o $(TOOLS)/mkfs.xfs mkfs/mkfs.xfs
strip -o $(TOOLS)/xfs_repair repair/xfs_repair
endef

$(eval $(package))
