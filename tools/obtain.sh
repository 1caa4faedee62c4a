# For the scripts beside this one: where a tool of a pinned version is kept, and how to get it there, once.
# Sourced, not run. Sets nothing but functions and SAF_TOOLS.

set -eu

SAF_TOOLS=${XDG_CACHE_HOME:-${HOME:?neither XDG_CACHE_HOME nor HOME is set, and tools have to be kept somewhere}/.cache}/saf/tools

# obtain NAME VERSION COMMAND...: the folder of that tool is printed; if it is not there yet, COMMAND is run in a new
# empty folder, and the folder kept if it succeeds. One process at a time; the others wait and find it done.
obtain() {
    obtain_to="$SAF_TOOLS/$1/$2"
    if [ ! -d "$obtain_to" ]; then
        mkdir -p "$SAF_TOOLS/$1"
        (
            flock 9
            if [ ! -d "$obtain_to" ]; then
                echo "saf: getting $1 $2, once" >&2
                obtain_new=$(mktemp -d "$SAF_TOOLS/$1/.new.XXXXXX")
                trap 'chmod -R u+w "$obtain_new" 2>/dev/null || :; rm -rf "$obtain_new"' EXIT
                shift 2
                (cd "$obtain_new" && "$@") >&2
                mv "$obtain_new" "$obtain_to"
            fi
        ) 9>"$SAF_TOOLS/$1/lock" || { echo "saf: $1 $2 could not be got" >&2; return 1; }
    fi
    printf '%s\n' "$obtain_to"
}

# need COMMAND WHY: a sentence instead of "not found".
need() {
    command -v "$1" >/dev/null || { echo "saf: $1 is not here: $2" >&2; exit 1; }
}

# go_install PACKAGE@VERSION: into the current folder. Static, so that it also runs in an empty image.
go_install() {
    need go "it builds $1"
    CGO_ENABLED=0 GOBIN=$PWD go install "$1"
}

# go_module MODULE@VERSION PACKAGE [FLAG...]: builds a package of a module that `go install` refuses for what it replaces.
go_module() {
    need go "it builds $1"
    go_module_from=$(go mod download -json "$1" | sed -n 's/^[[:space:]]*"Dir": "\(.*\)",*$/\1/p')
    go_module_package=$2
    shift 2
    cp -R "$go_module_from" source
    chmod -R u+w source
    (cd source && CGO_ENABLED=0 GOFLAGS=-mod=mod go build "$@" -o .. "$go_module_package")
    rm -rf source
}

# debian PACKAGE: unpacks the Debian package into the current folder; nothing is installed.
debian() {
    need apt-get "it downloads $1"
    apt-get download "$1" || { apt-get update && apt-get download "$1"; }
    dpkg -x ./*.deb .
    rm ./*.deb
}
