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

# module MODULE@VERSION: prints the folder with its source.
module() {
    need go "it downloads $1"
    go mod download -json "$1" | sed -n 's/^[[:space:]]*"Dir": "\(.*\)",*$/\1/p'
}

# go_module MODULE@VERSION PACKAGE [FLAG...]: builds a package of a module that `go install` refuses for what it replaces.
go_module() {
    go_module_from=$(module "$1")
    go_module_package=$2
    shift 2
    cp -R "$go_module_from" source
    chmod -R u+w source
    (cd source && CGO_ENABLED=0 GOFLAGS=-mod=mod go build "$@" -o .. "$go_module_package")
    rm -rf source
}

# kubernetes VERSION PACKAGE: builds a program of Kubernetes. The parts that its source replaces by its own folders come
# from their modules, and it is told its version, without which charts that ask for one are refused.
kubernetes() {
    kubernetes_minor=${1#v1.}
    kubernetes_from=$(module "k8s.io/kubernetes@$1")
    cp -R "$kubernetes_from" source
    chmod -R u+w source
    rm -rf source/go.work source/go.work.sum source/vendor
    sed -i.replaced "s|=> ./staging/src/k8s.io/\([a-z0-9-]*\)|=> k8s.io/\1 v0.$kubernetes_minor|" source/go.mod
    (
        cd source
        version=k8s.io/component-base/version
        CGO_ENABLED=0 GOFLAGS=-mod=mod go build -o .. -ldflags "-s -w -X $version.gitVersion=$1 \
            -X $version.gitMajor=1 -X $version.gitMinor=${kubernetes_minor%%.*}" "$2"
    )
    rm -rf source
}

# debian PACKAGE: unpacks the Debian package into the current folder; nothing is installed.
debian() {
    need apt-get "it downloads $1"
    apt-get download "$1" || { apt-get update && apt-get download "$1"; }
    dpkg -x ./*.deb .
    rm ./*.deb
}

# debian_whole PACKAGE: the same with all it depends on and this machine lacks.
debian_whole() {
    need apt-get "it downloads $1"
    mkdir -p packages/partial
    debian_downloads "$1" || { apt-get update && debian_downloads "$1"; }
    for debian_package in packages/*.deb; do
        dpkg -x "$debian_package" .
    done
    rm -rf packages
}

# Downloads PACKAGE and what it needs to the folder "packages", and installs nothing.
debian_downloads() {
    apt-get install -y -qq --no-install-recommends --reinstall --download-only \
        -o Dir::Cache::archives="$PWD/packages" -o Debug::NoLocking=1 "$1"
}

# libraries FOLDER: lets programs find the shared libraries among unpacked packages.
libraries() {
    for libraries_folder in "$1"/usr/lib/*-linux-gnu "$1"/lib/*-linux-gnu; do
        [ ! -d "$libraries_folder" ] || LD_LIBRARY_PATH="$libraries_folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    done
    export LD_LIBRARY_PATH
}
