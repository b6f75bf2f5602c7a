# Third-party parts, one recipe each in image/packages/NAME.mk; docs/adding-a-package.md explains one line by line.
#
# A recipe sets NAME_SOURCE (the distribution's source package) or NAME_BINARY (its binary package), NAME_LICENSE, NAME_NEEDS (other
# recipes), NAME_BUILD (shell lines, run with `set -e` in the unpacked folder; they install into $(SYSROOT)) and ends in
# $(eval $(package)). Steps: fetch (hash checked), unpack with the distribution's patches, patch (image/packages/NAME/*.patch), build.

SYSROOT := $(abspath $(O)/sysroot)
MUSL_GCC := $(SYSROOT)/bin/musl-gcc
# Programs that travel in add-on archives.
TOOLS := $(abspath $(O)/tools)
SOURCE_DATE_EPOCH := 1704067200
export SOURCE_DATE_EPOCH

HOST_RELEASE := $(shell . /etc/os-release && echo $$ID-$${VERSION_ID:-$$VERSION_CODENAME})
LOCK := image/lock/$(HOST_RELEASE)

# How third-party code for the node is compiled. No path of this machine may get into it.
NODE_CODE := -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-stack-protector \
	-fcf-protection=none -fno-PIE -pthread -ffile-prefix-map=$(CURDIR)/=
NODE_SMALL := -Os $(NODE_CODE)
NODE_FAST  := -O2 $(NODE_CODE)

# configure for the node; autotools must not run again because a patch touched their inputs
NODE_CONFIGURE = ./configure --host=x86_64-linux-musl --build=x86_64-linux-gnu --prefix=/ --enable-static --disable-shared \
	CC=$(MUSL_GCC) AR=ar RANLIB=ranlib PKG_CONFIG_LIBDIR=$(SYSROOT)/none
NODE_MAKE = $(MAKE) ACLOCAL=: AUTOCONF=: AUTOMAKE=: AUTOHEADER=: MAKEINFO=: HELP2MAN=: DESTDIR=$(SYSROOT)

# Rewritten only when the flags change.
$(O)/build/.flags: FORCE
	@mkdir -p $(@D)
	@echo '$(NODE_SMALL) $(NODE_FAST) $(NODE_CONFIGURE) $(NODE_MAKE)' | cmp -s - $@ || \
		echo '$(NODE_SMALL) $(NODE_FAST) $(NODE_CONFIGURE) $(NODE_MAKE)' > $@

PACKAGES :=
SOURCES  :=
BINARIES :=

# Recipes run make below themselves: hand them the job server, except under `make -n`.
JOBSERVER := $(if $(findstring n,$(firstword -$(MAKEFLAGS))),,+)

define package
$(eval P := $(basename $(notdir $(lastword $(MAKEFILE_LIST)))))
PACKAGES += $(P)
SOURCES  += $($(P)_SOURCE)
BINARIES += $($(P)_BINARY)
$(O)/build/$(P).built: P := $(P)
$(O)/build/$(P).built: $(lastword $(MAKEFILE_LIST)) $(wildcard image/packages/$(P)/*) $(O)/build/.flags $(DL)/$($(P)_SOURCE)$($(P)_BINARY).used \
		$(if $(filter musl,$(P)),,$(O)/build/musl.built) $(patsubst %,$(O)/build/%.built,$($(P)_NEEDS))
	@$$(call say,PACKAGE,$$(P))
	@mkdir -p $$(@D)
	$$(file >$(O)/build/$$(P).sh,set -ex)
	$$(file >>$(O)/build/$$(P).sh,$$($$(P)_BUILD))
	$$(file >>$(O)/build/$$(P).sh,rm -f $(SYSROOT)/lib/*.la)
	$$(Q)$(JOBSERVER)image/build-package.sh $$(P) $(O)/build
	@touch $$@
endef

DL := dl

image/lock/%:
	@echo "no lock file '$@' for this host's release; make lock writes one" >&2; exit 1

include $(sort $(wildcard image/packages/*.mk))

# The fetch of everything that a build needs is one run. NAME.used is rewritten only where another revision is used than before.
$(patsubst %,$(DL)/%.used,$(SOURCES) $(BINARIES)): $(O)/build/.fetched ;
$(O)/build/.wanted: FORCE
	@mkdir -p $(@D)
	@echo '$(SOURCES) $(BINARIES)' | cmp -s - $@ || echo '$(SOURCES) $(BINARIES)' > $@
$(O)/build/.fetched: $(LOCK) $(O)/build/.wanted image/fetch.sh image/apt-private.sh
	@mkdir -p $(@D)
	@image/deps.sh check build
	@$(call say,FETCH,'$(words $(SOURCES) $(BINARIES)) packages')
	$(Q)image/fetch.sh $(SOURCES) $(BINARIES)
	@touch $@
