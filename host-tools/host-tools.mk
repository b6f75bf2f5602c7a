# Host programs. out/host has the shape of an installation: bin/lucie finds lib/lucie/modules beside it (host-tools/lib/modules.c).
#
# A verb is one file, host-tools/cmd-VERB.c, which registers itself; mkinitramfs is a program of its own (image/image.mk builds it).

LIBS_host_modules := -lext2fs -lcom_err -lfdisk -lblkid -luuid
LIBS_host_tools   := -larchive -lzstd -llzma -lcurl -lmicrohttpd -lsqlite3 -ljansson -lsodium

LUCIE_SRC := host-tools/lucie.c $(sort $(wildcard host-tools/cmd-*.c)) $(sort $(wildcard host-tools/lib/*.c)) $(LIB_SRC) $(RING_SRC) $(MODULE_SRC)
SHELL_MODULES := $(patsubst modules/%,$(O)/host/lib/lucie/modules/%,$(sort $(wildcard modules/*.sh)))

$(eval $(call program,$(O)/host/bin/lucie,host,$(LUCIE_SRC),$(LIBS_host_modules) $(LIBS_host_tools)))

# The page of the board is inside of this one object.
$(call objects,host,host-tools/lib/board-files.c) obj/asan/host-tools/lib/board-files.o obj/fuzz/host-tools/lib/board-files.o: $(sort $(wildcard host-tools/board/*))

$(O)/host/lib/lucie/modules/%.sh: modules/%.sh
	@mkdir -p $(@D)
	$(Q)cp -p $< $@

# Commands for `power_command`; lucie puts their folder first into PATH (host-tools/lib/power.c).
POWER_COMMANDS := $(patsubst host-tools/power/%,$(O)/host/lib/lucie/power/%,$(sort $(wildcard host-tools/power/*)))
$(O)/host/lib/lucie/power/%: host-tools/power/%
	@mkdir -p $(@D)
	$(Q)cp -p $< $@

# A shell module that was deleted is not one any more.
OLD_SHELL_MODULES := $(filter-out $(SHELL_MODULES),$(wildcard $(O)/host/lib/lucie/modules/*.sh))

.PHONY: host
host: $(O)/host/bin/lucie $(SHELL_MODULES) $(POWER_COMMANDS)
	$(if $(OLD_SHELL_MODULES),$(Q)rm -f $(OLD_SHELL_MODULES))

# Programs, modules, man pages, documents, bash completion, and the images of all boards that `make image` has built. DESTDIR for packagers.
.PHONY: install
BUILT_BOARDS = $(patsubst $(O)/%/manifest,%,$(wildcard $(O)/*/manifest))
install: host ## programs, man pages, documents and the images that are built, into DESTDIR and PREFIX (/usr/local)
	$(Q)install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/lucie/modules
	$(Q)install -m 755 -s $(O)/host/bin/lucie $(O)/host/bin/dolly $(DESTDIR)$(PREFIX)/bin
	$(Q)ln -sf lucie $(DESTDIR)$(PREFIX)/bin/lucie-setup
	$(Q)install -m 755 $(SHELL_MODULES) $(DESTDIR)$(PREFIX)/lib/lucie/modules
	$(Q)install -D -t $(DESTDIR)$(PREFIX)/lib/lucie/power -m 755 $(POWER_COMMANDS)
	$(Q)install -D -m 644 host-tools/completion/lucie.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/lucie
	$(Q)ln -sf lucie $(DESTDIR)$(PREFIX)/share/bash-completion/completions/lucie-setup
	$(Q)for page in docs/man/*; do install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}; done
	$(Q)install -D -t $(DESTDIR)$(PREFIX)/share/doc/lucie -m 644 docs/*.md docs/*.png docs/*.svg
	$(Q)install -D -t $(DESTDIR)$(PREFIX)/share/doc/lucie/examples -m 644 docs/examples/*
	$(Q)for board in $(BUILT_BOARDS); do mkdir -p $(DESTDIR)$(PREFIX)/lib/lucie/$$board && \
		cp -rT $(O)/$$board $(DESTDIR)$(PREFIX)/lib/lucie/$$board; done
	$(Q)printf 'installed in %s, boards: %s\n' '$(DESTDIR)$(PREFIX)' '$(or $(BUILT_BOARDS),none (make image))'
