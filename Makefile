# b24hooks: build, run, test. `make help` lists the targets.
#
# Every .cpp below lib, cgi-bin and tests is found by its place, so that a file on disk is a file that is built and run:
# cgi-bin/NAME/*.cpp and lib make NAME.fcgi, with main in cgi-bin/NAME/NAME.cpp.

# As many jobs as there are processors, unless told otherwise.
ifeq ($(findstring -j,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif
MAKEFLAGS += --no-builtin-rules

# --- Settings -------------------------------------------------------------------------------------

CXX      ?= g++
PREFIX   ?= /usr/local
DESTDIR  ?=
# What `make run` uses; several runs live side by side when all three differ.
PORT         ?= 8080
SANDBOX_PORT ?= 8443
RUN_DIR      ?= build/run
# SANITIZE=address,undefined or SANITIZE=thread builds (and tests) an instrumented variant in its own directory.
SANITIZE ?=
# COVERAGE=1 builds the variant that counts what runs (make coverage).
COVERAGE ?=
comma    := ,
B        := build$(if $(SANITIZE),/$(subst $(comma),-,$(SANITIZE)))$(if $(COVERAGE),/coverage)

# Debian packages: to build, to run (`make run`), to test, to look after the code.
BUILD_PACKAGES := g++ make pkg-config libfcgi-dev libcurl4-openssl-dev libcjson-dev libsqlite3-dev \
                  libkainjow-mustache-dev libinih-dev libssl-dev libpq-dev
RUN_PACKAGES   := nginx-light openssl ca-certificates curl
TEST_PACKAGES  := libboost-test-dev php-cgi spawn-fcgi apache2 apache2-suexec-pristine libapache2-mod-fcgid lighttpd caddy sqlite3 strace \
                  systemd procps tidy prometheus chromium chromium-driver lintian mandoc man-db \
                  bash-completion logrotate iproute2 postgresql pgbouncer patroni etcd-server
DEB_PACKAGES   := dpkg-dev
DIST_PACKAGES  := libidn2-dev libunistring-dev dpkg-dev zip ca-certificates
CHECK_PACKAGES := clang-format clang-tidy-16 valgrind
BENCH_PACKAGES := php-fpm php-curl php-cgi wrk postgresql
COVERAGE_PACKAGES := gcovr python3 mold
FUZZ_PACKAGES  := clang-16 libclang-rt-16-dev libboost-test-dev php-cgi

PKGS     := fcgi libcjson sqlite3 inih
# libcurl is loaded when it is first needed (lib/portal/http.h), so only its headers are used here.
CURL_CFLAGS = $(shell pkg-config --cflags libcurl)

# GCC 12 sees overflows where std::string's own code, inlined, cannot have any.
# A class of a room's own in an unnamed namespace is no fault where the room is one translation unit.
WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -Wno-array-bounds -Wno-stringop-overflow -Wno-restrict \
            -Wno-subobject-linkage
HARDEN   := -D_FORTIFY_SOURCE=2 -D_GLIBCXX_ASSERTIONS -fstack-protector-strong -fstack-clash-protection \
            -fcf-protection -fPIE
ifneq ($(SANITIZE),)
# Instrumented, the standard library's own variant looks uninitialized to GCC 12.
# The sandbox, as a test would be, would be too slow a portal.
$(B)/obj/tests/sandbox.o: TEST_OPTIMIZE := -O1
HARDEN   := -g1 -fPIE -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer -Wno-maybe-uninitialized
endif
ifneq ($(COVERAGE),)
HARDEN   := -fPIE
# Without any optimization, what the compiler tidies up behind an exception looks like branches.
OPTIMIZE := -Og
# Of the program's own sources only. Every thread counts.
COUNT    := --coverage -fprofile-update=atomic -fprofile-abs-path
endif
# Tests are built for building fast, the programs for running fast.
OPTIMIZE      ?= -O2
TEST_OPTIMIZE ?= -O0
CXXFLAGS_ALL = -std=c++23 $(OPTIMIZE) -ffunction-sections -fdata-sections $(WARNINGS) $(HARDEN) -pthread -Ilib \
               $(shell pkg-config --cflags $(PKGS)) $(CURL_CFLAGS) $(CXXFLAGS)
# Programs stay under 2 MB: relocations are packed (and fewer to work off at the start), what nobody calls is left out, and so are the
# names of local symbols, which only a core dump could need: these programs make none.
LDFLAGS_ALL  = -pie -pthread -Wl,-z,relro,-z,now -Wl,-z,pack-relative-relocs -Wl,--gc-sections -Wl,--as-needed \
               $(if $(SANITIZE),-fsanitize=$(SANITIZE),-Wl$(comma)--discard-all) $(if $(COVERAGE),--coverage) $(LDFLAGS)
# The few functions of libcrypto in use are put into the programs: to load the whole library costs a process 2 ms.
LIBS         = $(shell pkg-config --libs $(PKGS)) -l:libcrypto.a -ldl

# clang 16 can read GCC 12's <expected> once told that it has the concepts that the header asks for.
CLANG_FLAGS := -std=c++2b -U__cpp_concepts -D__cpp_concepts=202002L

# --- What is built --------------------------------------------------------------------------------

# A room is compiled as one file: the standard library is read once a room, and the compiler sees the room whole.
ROOMS           := $(notdir $(wildcard cgi-bin/*))
PAGES           := $(ROOMS:%=$(B)/cgi-bin/%.fcgi)
MAINS           := $(foreach room,$(ROOMS),cgi-bin/$(room)/$(room).cpp)
LIB_OBJECTS     := $(patsubst %,$(B)/obj/%.o,$(wildcard lib/*))
# What the tests use of the pages: everything but their main.
ROOM_OBJECTS    := $(ROOMS:%=$(B)/obj/cgi-bin/%.o)
TEST_ROOMS      := $(B)/obj/tests/support.o $(B)/obj/tests/sandbox.o
SUITES          := browser integration unit
# So are the tests, in parts that a small machine has the memory for: each helper stands in the namespace of its suite.
PARTS_unit        := 0 1 2 3
PARTS_integration := 0 1 2
PARTS_browser     := 0
suite_parts      = $(PARTS_$(1):%=$(B)/$(2)/tests/$(1).%)
suite_objects    = $(addsuffix .o,$(call suite_parts,$(1),obj))
LINTED           = $(LIB_OBJECTS) $(ROOM_OBJECTS) $(MAINS:%.cpp=$(B)/obj/%.o) $(TEST_ROOMS) $(foreach suite,$(SUITES),$(call suite_objects,$(suite))) \
                   $(patsubst %.cpp,$(B)/obj/%.o,$(wildcard tests/echo/*.cpp tests/bench/*.cpp))

.PHONY: all run test check check-address check-thread check-leaks check-timing bench coverage mutate release size dist deb deps deps-run deps-test deps-dist deps-deb deps-check deps-fuzz deps-coverage deps-bench \
        example format lint fuzz faults \
        install install-strip uninstall flags clean help FORCE
.SECONDARY:

all: $(PAGES)  ## build the three pages

run: deps-run all $(B)/sandbox.fcgi  ## build, then serve the pages and a sandbox portal until Ctrl-C
	@PORT=$(PORT) SANDBOX_PORT=$(SANDBOX_PORT) RUN_DIR=$(RUN_DIR) BUILD=$(B) exec tests/run-site

test: deps-test all dist deb $(B)/sandbox.fcgi $(SUITES:%=$(B)/%-tests)  ## run every test
	@BUILD=$(B) tests/run-suites $(SUITES) postgres

check: $(B)/unit-tests  ## run the fast unit tests
	@BUILD=$(B) tests/run-suites unit
check-address:  ## run every test under the sanitizers of addresses, leaks and undefined behaviour
	@$(MAKE) SANITIZE=address,undefined test
check-thread:  ## run every test under the sanitizer of threads
	@$(MAKE) SANITIZE=thread test
check-leaks: deps-check $(B)/unit-tests  ## run the unit tests under valgrind, to which a leak is a failure, too
	@BUILD=$(B) UNDER="valgrind --quiet --suppressions=tests/leaks.supp --leak-check=full --show-leak-kinds=definite,indirect --log-file=$(abspath $(B))/tests/found.%p" tests/run-suites unit
check-timing: $(B)/unit-tests  ## compare how long right and wrong guesses of a secret take
	@BUILD=$(B) TESTS=secret_tests/a_guess_takes_as_long_however_much_of_it_is_right tests/run-suites unit

bench: deps-bench all $(ROOMS:%=$(B)/static/%.fcgi) $(B)/sandbox.fcgi $(B)/floor.fcgi $(B)/spawn  ## measure the pages against the PHP pages that they replace
	@BUILD=$(B) tests/bench/run-bench

ifeq ($(SANITIZE)$(COVERAGE),)
dist: $(ROOMS:%=$(B)/static/%.fcgi)  ## pack the folder for shared hosting, with static programs: build/dist
	@BUILD=$(B) conf/dist/pack
else
dist:
	@$(MAKE) SANITIZE= COVERAGE= dist
endif

release: dist deb  ## every proof in its order (hours), then packages, checksums and a report: build/release
	@BUILD=$(B) VERSION=$(VERSION) MAKE="$(MAKE)" tests/release

ifeq ($(COVERAGE),)
coverage: deps-coverage  ## print which lines and branches of the sources the tests run, by room
	@$(MAKE) COVERAGE=1 coverage
else
coverage: deps-test all dist deb $(B)/sandbox.fcgi $(SUITES:%=$(B)/%-tests)
	@BUILD=$(B) tests/coverage $(SUITES)
endif

mutate: deps-test deps-coverage all $(B)/sandbox.fcgi $(B)/unit-tests $(B)/integration-tests  ## print how many small faults the tests find, by room (hours)
	@BUILD=$(B) nice tests/mutate

size: all  ## print the lines of each room and the size of each program
	@BUILD=$(B) tests/size

faults: deps-test all $(B)/sandbox.fcgi $(B)/unit-tests $(B)/integration-tests  ## cut the power 1,000 times, let each system call fail, take the database away
	@CUTS=1000 AWAY=60 MACHINE=1 LEADS=10000 FAULTS=1000 BUILD=$(B) \
	  TESTS='power_cut_tests,cluster_tests,patroni_tests,portal_away_tests,*/no_failing_system_call*' tests/run-suites unit integration

fuzz: deps-fuzz build/fuzz/fuzz  ## fuzz all parsers, MINUTES=10 in all
	@MINUTES=$(or $(MINUTES),10) tests/fuzz/run-fuzz

# --- Dependencies: installed when missing, as root or with sudo -----------------------------------

install_packages = @tests/install-packages $(1)
deps:        ; $(call install_packages,$(BUILD_PACKAGES))  ## install what building needs
deps-run:    ; $(call install_packages,$(BUILD_PACKAGES) $(RUN_PACKAGES))
deps-test:   ; $(call install_packages,$(BUILD_PACKAGES) $(RUN_PACKAGES) $(TEST_PACKAGES))
deps-dist:   ; $(call install_packages,$(BUILD_PACKAGES) $(DIST_PACKAGES))
deps-deb:    ; $(call install_packages,$(BUILD_PACKAGES) $(DEB_PACKAGES))
deps-bench:  ; $(call install_packages,$(BUILD_PACKAGES) $(RUN_PACKAGES) $(BENCH_PACKAGES))
deps-check:  ; $(call install_packages,$(BUILD_PACKAGES) $(TEST_PACKAGES) $(CHECK_PACKAGES))
deps-coverage: ; $(call install_packages,$(BUILD_PACKAGES) $(COVERAGE_PACKAGES))
deps-fuzz:   ; $(call install_packages,$(BUILD_PACKAGES) $(FUZZ_PACKAGES))

# --- The look of the code -------------------------------------------------------------------------

SOURCES := $(shell git ls-files '*.cpp' '*.h' 2>/dev/null)
example: $(B)/cgi-bin/index.fcgi  ## write conf/settings.conf.example from the table of settings
	env -u REQUEST_METHOD -u GATEWAY_INTERFACE $< --help settings.conf > conf/settings.conf.example

# What stands before its table is written by hand.
tests/README.md: FORCE
	@sed '/^## Promises/q' $@ > $@.new && echo >> $@.new && tests/promises-table >> $@.new && mv $@.new $@

format: deps-check  ## format the sources
	clang-format -i $(SOURCES)
lint: deps-check $(LINTED:$(B)/obj/%.o=$(B)/tidy/%.ok)  ## check format and that each file compiles by itself, and run clang-tidy on what has changed since
	clang-format --dry-run --Werror $(SOURCES)
	@printf '%s\n' $(filter lib/%.cpp cgi-bin/%.cpp,$(SOURCES)) | xargs -n 1 -P $$(nproc) $(CXX) $(CXXFLAGS_ALL) -Icgi-bin -iquote . -fsyntax-only
# Room by room, as they are compiled, and not again until they are. The analyzer takes most of the time; what is not installed does
# without it.
$(B)/tidy/%.ok: $(B)/obj/%.o .clang-tidy | deps-check
	@mkdir -p $(@D); echo '  tidy $*'
	@clang-tidy-16 --quiet $(if $(filter tests/%,$*),--checks=-clang-analyzer-*) $(firstword $(wildcard $(B)/rooms/$*.cpp $*.cpp)) \
	  -- $(CLANG_FLAGS) -DAS_RELEASED=true -DBOOST_TEST_DYN_LINK -Ilib -Icgi-bin -Itests/support -iquote . && touch $@

# --- Install --------------------------------------------------------------------------------------

# The programs by their names on the command line are links, and so find what lies beside them.
LIBEXEC := $(DESTDIR)$(PREFIX)/lib/b24hooks
UNITS   := $(DESTDIR)$(PREFIX)/lib/systemd/system
MAN     := $(DESTDIR)$(PREFIX)/share/man
COMPLETIONS := $(DESTDIR)$(PREFIX)/share/bash-completion/completions
INSTALL_PROGRAM ?= install -m 755
VERSION := $(shell sed -n 's/.*"\(.*\)".*/\1/p' lib/base/version.h)
# The day of this version, so that the same sources give the same bytes.
RELEASED := $(shell git log -1 --format=%cs lib/base/version.h 2> /dev/null || echo 1970-01-01)
MANUALS := $(ROOMS:%=$(B)/man/b24hooks-%.1) $(B)/man/b24hooks-settings.5

$(B)/man/b24hooks-%: $(PAGES) conf/man
	@mkdir -p $(@D)
	@BUILD=$(B) VERSION=$(VERSION) DATE=$(RELEASED) conf/man $(basename $*) > $@

install: all $(MANUALS)  ## install below PREFIX (/usr/local)
	install -d $(LIBEXEC)/cgi-bin $(LIBEXEC)/templates $(LIBEXEC)/conf $(DESTDIR)$(PREFIX)/bin $(UNITS) $(MAN)/man1 $(MAN)/man5 $(COMPLETIONS)
	$(INSTALL_PROGRAM) $(PAGES) $(LIBEXEC)/cgi-bin/
	ln -sf handler.fcgi $(LIBEXEC)/cgi-bin/handler-backup.fcgi
	for page in $(ROOMS); do \
	  ln -sf ../lib/b24hooks/cgi-bin/$$page.fcgi $(DESTDIR)$(PREFIX)/bin/b24hooks-$$page; \
	  ln -sf b24hooks $(COMPLETIONS)/b24hooks-$$page; \
	done
	install -m 644 conf/completion.bash $(COMPLETIONS)/b24hooks
	install -m 644 $(filter %.1,$(MANUALS)) $(MAN)/man1/
	install -m 644 $(filter %.5,$(MANUALS)) $(MAN)/man5/
	install -m 644 conf/b24hooks.target conf/b24hooks@.socket conf/b24hooks@.service $(UNITS)/
	sed -i 's,/usr/local,$(PREFIX),' $(UNITS)/b24hooks@.service
	install -m 644 templates/* $(LIBEXEC)/templates/
	install -m 644 $(wildcard conf/*.example) nginx.conf.example $(LIBEXEC)/conf/
	install -m 755 conf/setup $(LIBEXEC)/
	install -m 644 conf/dist/settings.conf $(LIBEXEC)/settings.conf.new
	@echo "Next, as root: $(PREFIX)/lib/b24hooks/setup"
install-strip: INSTALL_PROGRAM := install -s -m 755
install-strip: install  ## install without symbols
uninstall:  ## remove what install put there, but no settings
	rm -f $(LIBEXEC)/cgi-bin/*.fcgi $(LIBEXEC)/conf/*.example $(LIBEXEC)/setup $(LIBEXEC)/settings.conf.new
	rm -f $(ROOMS:%=$(DESTDIR)$(PREFIX)/bin/b24hooks-%) $(ROOMS:%=$(COMPLETIONS)/b24hooks-%) $(COMPLETIONS)/b24hooks
	rm -f $(UNITS)/b24hooks.target $(UNITS)/b24hooks@.service $(UNITS)/b24hooks@.socket $(MAN)/man1/b24hooks-*.1 $(MAN)/man5/b24hooks-settings.5
	rm -rf $(LIBEXEC)/templates
	rmdir --ignore-fail-on-non-empty $(LIBEXEC)/cgi-bin $(LIBEXEC)/conf $(LIBEXEC)

DEB := $(B)/deb
ifeq ($(SANITIZE)$(COVERAGE),)
deb: all | deps-deb  ## build the Debian package: build/deb
	@rm -rf $(DEB)
	@umask 022; MAKEFLAGS= $(MAKE) --silent B=$(B) VERSION=$(VERSION) PREFIX=/usr DESTDIR=$(abspath $(DEB))/root install-strip > /dev/null
	@DEB=$(DEB) VERSION=$(VERSION) RELEASED=$(RELEASED) conf/deb/pack
else
deb:
	@$(MAKE) SANITIZE= COVERAGE= deb
endif

flags:  ## print the compiler's flags in effect
	@echo "$(CXX) $(CXXFLAGS_ALL)"
	@echo "link: $(LDFLAGS_ALL) $(LIBS)"

clean:  ## remove everything that was built
	rm -rf build

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

# --- Rules ----------------------------------------------------------------------------------------

# write_room: $@ includes these files.
write_room = @mkdir -p $(@D); printf '\#include "%s"\n' $(1) > $@.new; if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi
$(patsubst $(B)/obj/%.o,$(B)/rooms/%.cpp,$(LIB_OBJECTS) $(ROOM_OBJECTS) $(TEST_ROOMS)): $(B)/rooms/%.cpp: FORCE
	$(call write_room,$(filter-out $(MAINS),$(sort $(wildcard $*/*.cpp))))
define part_rule
$(addsuffix .cpp,$(call suite_parts,$(1),rooms)): $(B)/rooms/tests/$(1).%.cpp: FORCE
	$$(call write_room,$$(shell ls tests/$(1)/*.cpp | awk 'NR % $(words $(PARTS_$(1))) == $$*'))
endef
$(foreach suite,$(SUITES),$(eval $(call part_rule,$(suite))))
FORCE:

# How far it is, of what is not there at all: whoever builds for the first time waits for a while.
WANTED  = $(LIB_OBJECTS) $(ROOM_OBJECTS) $(MAINS:%.cpp=$(B)/obj/%.o) $(if $(filter run test,$(MAKECMDGOALS)),$(B)/obj/tests/sandbox.o) \
          $(if $(filter test,$(MAKECMDGOALS)),$(B)/obj/tests/support.o $(foreach suite,$(SUITES),$(call suite_objects,$(suite))))
MISSING := $(filter-out $(wildcard $(WANTED)),$(WANTED))
progress = $(if $(filter $@,$(MISSING)), ($(words $(eval BEGUN += x)$(BEGUN)) of $(words $(MISSING))))
compile = @mkdir -p $(@D); echo '  $(1)$(progress)'; $(CXX) $(CXXFLAGS_ALL) $(2) -MMD -MP -c $< -o $@
# The largest program is the one for which nobody is in a hurry; settings are read once, and then when they have changed.
$(B)/obj/cgi-bin/checkserver.o $(B)/obj/lib/settings.o: OPTIMIZE := $(if $(COVERAGE),-Og,-Os)
build/thread/obj/lib/keep.o: HARDEN += -include tests/support/timed_mutex.h
$(LIB_OBJECTS) $(ROOM_OBJECTS): $(B)/obj/%.o: $(B)/rooms/%.cpp
	$(call compile,$*,$(COUNT) -iquote .)
$(MAINS:%.cpp=$(B)/obj/%.o): $(B)/obj/%.o: %.cpp
	$(call compile,$<,$(COUNT))
$(B)/obj/%.o: %.cpp
	$(call compile,$<)

# Without optimization there is nothing that could be fortified, and no program is as small as it shall be.
TEST_FLAGS = $(TEST_OPTIMIZE) $(if $(filter -O0,$(TEST_OPTIMIZE)),-U_FORTIFY_SOURCE) -Icgi-bin -Itests/support -DBOOST_TEST_DYN_LINK \
             -DAS_RELEASED=$(if $(filter -O0,$(OPTIMIZE))$(SANITIZE)$(COVERAGE),false,true) $(if $(COVERAGE),-DPROGRAMS_COUNT)
$(TEST_ROOMS): $(B)/obj/%.o: $(B)/rooms/%.cpp
	$(call compile,$*,$(TEST_FLAGS) -iquote .)
$(B)/obj/tests/echo/%.o: tests/echo/%.cpp
	$(call compile,$<,$(TEST_FLAGS))
$(B)/obj/tests/bench/%.o: tests/bench/%.cpp
	$(call compile,$<)

# What nearly every test includes is read once.
$(B)/std.h.gch: tests/support/std.h Makefile
	@mkdir -p $(@D)
	@$(CXX) $(CXXFLAGS_ALL) $(TEST_FLAGS) -x c++-header $< -o $@
$(foreach suite,$(SUITES),$(call suite_objects,$(suite))): $(B)/obj/%.o: $(B)/rooms/%.cpp $(B)/std.h.gch
	$(call compile,$*,$(TEST_FLAGS) -iquote . -include $(B)/std.h)

$(B)/libb24.a: $(LIB_OBJECTS)
	@rm -f $@
	@ar rcs $@ $^
$(B)/librooms.a: $(ROOM_OBJECTS)
	@rm -f $@
	@ar rcs $@ $^

define page_rule
$(B)/cgi-bin/$(1).fcgi: $(B)/obj/cgi-bin/$(1)/$(1).o $(B)/obj/cgi-bin/$(1).o $(B)/libb24.a
	@mkdir -p $$(@D)
	@echo '  $$@'
	@$$(CXX) $$(LDFLAGS_ALL) $$^ $$(LIBS) -o $$@
endef
$(foreach room,$(ROOMS),$(eval $(call page_rule,$(room))))

# The static programs. Debian's libcurl has all protocols in it: of the libraries that https does not need, only the names are there,
# and to call one ends the program.
NOT_FOR_HTTPS   := gss_|GSS_|ldap_|ber_|libssh2_|RTMP_|nghttp2_|psl_|Brotli|ZSTD_|inflate|zlib
# libcurl is taken whole, since the programs' references to it are weak (lib/portal/curl_library.cpp).
STATIC_LIBS     := -l:libfcgi.a -l:libsqlite3.a -l:libinih.a -Wl,--whole-archive -l:libcurl.a -Wl,--no-whole-archive \
                   -l:libidn2.a -l:libunistring.a -l:libssl.a -l:libcrypto.a
$(B)/static/cJSON.c: | deps-dist
	@conf/dist/fetch-cjson $(@D)/cjson && mv $(@D)/cjson/cJSON.[ch] $(@D)
$(B)/static/cJSON.o: $(B)/static/cJSON.c
	@$(CC) $(OPTIMIZE) -ffunction-sections -fdata-sections $(HARDEN) -c $< -o $@
$(B)/static/static.o: conf/dist/static.cpp
	$(call compile,$<)
$(B)/static/unused.o: | deps-dist
	@mkdir -p $(@D)
	@nm --quiet $$($(CXX) -print-file-name=libcurl.a) | awk '$$1 == "U" && $$2 ~ /^($(NOT_FOR_HTTPS))/ && !n[$$2]++ \
	  { print ".weak " $$2 "\n" $$2 ":" } END { print "ud2\n.section .note.GNU-stack,\"\",@progbits" }' | $(CC) -c -x assembler - -o $@
# What these cannot use of it (libpq is never within) makes the room large; it is made small once more, since such programs must be.
$(B)/static/keep.o: $(B)/rooms/lib/keep.cpp $(B)/obj/lib/keep.o
	$(call compile,$@,-Os -iquote .)
define static_rule
$(B)/static/$(1).fcgi: $(B)/obj/cgi-bin/$(1)/$(1).o $(B)/obj/cgi-bin/$(1).o $(B)/static/keep.o $(B)/libb24.a \
                       $(B)/static/cJSON.o $(B)/static/static.o $(B)/static/unused.o
	@echo '  $$@'
	@$$(CXX) -static-pie $$(filter-out -pie,$$(LDFLAGS_ALL)) -Wl,--no-warnings $$^ $$(STATIC_LIBS) -o $$@
endef
$(foreach room,$(ROOMS),$(eval $(call static_rule,$(room))))

$(B)/sandbox.fcgi: $(B)/obj/tests/sandbox.o $(B)/libb24.a
	@echo '  $@'
	@$(CXX) $(LDFLAGS_ALL) $^ $(LIBS) -o $@

$(B)/echo.fcgi: $(B)/obj/tests/echo/echo.o $(B)/libb24.a
	@echo '  $@'
	@$(CXX) $(LDFLAGS_ALL) $^ $(LIBS) -o $@

$(B)/floor.fcgi: $(B)/obj/tests/bench/floor.o
	@$(CXX) $(LDFLAGS_ALL) $^ $(LIBS) -o $@
$(B)/spawn: $(B)/obj/tests/bench/spawn.o
	@$(CXX) $(LDFLAGS_ALL) $^ -o $@

define suite_rule
$(B)/$(1)-tests: $(call suite_objects,$(1)) $(B)/obj/tests/support.o $(B)/librooms.a $(B)/libb24.a
	@echo '  $$@'
	@$$(CXX) $$(LDFLAGS_ALL) $$^ $$(LIBS) -lssl -lboost_unit_test_framework -o $$@
endef
$(foreach suite,$(SUITES),$(eval $(call suite_rule,$(suite))))
$(B)/integration-tests: | $(B)/echo.fcgi

FUZZ_FLAGS = $(CLANG_FLAGS) -g1 -O1 -fsanitize=fuzzer-no-link,address,undefined,float-cast-overflow -fno-sanitize-recover=all \
             -pthread -DBOOST_TEST_DYN_LINK -iquote . -Ilib -Icgi-bin -Itests/support $(shell pkg-config --cflags $(PKGS))
FUZZ_SUPPORT := fuzz_targets fuzz_store php_parity php_cgi fcgi_client process raw_request shared_store postgres network
FUZZ_OBJECTS := $(patsubst $(B)/obj/%,build/fuzz/obj/%,$(LIB_OBJECTS) $(B)/obj/cgi-bin/index.o $(B)/obj/cgi-bin/handler.o \
                  $(B)/obj/tests/fuzz.o)
$(B)/rooms/tests/fuzz.cpp: FORCE
	$(call write_room,tests/fuzz/fuzz.cpp $(FUZZ_SUPPORT:%=tests/support/%.cpp))
build/fuzz/obj/%.o: $(B)/rooms/%.cpp
	@mkdir -p $(@D)
	@echo '  fuzz: $*'; clang++-16 $(FUZZ_FLAGS) -MMD -MP -c $< -o $@
build/fuzz/fuzz: $(FUZZ_OBJECTS)
	@clang++-16 -fsanitize=fuzzer,address,undefined -pthread $^ $(LIBS) -lboost_unit_test_framework -o $@

-include $(shell find $(B)/obj build/fuzz -name '*.d' 2>/dev/null)
