#!/usr/bin/env bash
# Build the container image of jcsync with docker, podman or buildah.
#
#   deploy/build-image.sh                     from the base image that the Dockerfile names
#   deploy/build-image.sh --bootstrap         from a base made of Debian packages: no image registry needed
#
#   --tag NAME      name of the image (default: jcsync:VERSION)
#   --engine NAME   docker | podman | buildah (default: the first that is installed)
#   --base IMAGE    another base image, for example pinned by digest
#   --certs DIR     trust the certificates in DIR during the build (behind a proxy that inspects TLS; not with docker)
#   --bootstrap     make the base with mmdebstrap and podman or buildah (Debian: apt-get install mmdebstrap buildah)
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

fail() {
    printf '%s\n' "$*" >&2
    exit 2
}

version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' jcsync/__init__.py)
tag=jcsync:$version
engine=''
base=''
certs=''
bootstrap=false
while (($#)); do
    case $1 in
        --tag | --engine | --base | --certs)
            (($# > 1)) || fail "$1 needs a value"
            printf -v "${1#--}" '%s' "$2"
            shift 2
            ;;
        --bootstrap)
            bootstrap=true
            shift
            ;;
        *)
            sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
            [[ $1 == --help ]] && exit 0
            fail "unknown option: $1"
            ;;
    esac
done

if [[ -z $engine ]]; then
    for name in docker podman buildah; do
        if command -v "$name" >/dev/null; then
            engine=$name
            break
        fi
    done
    [[ -n $engine ]] || fail 'none of docker, podman and buildah is installed'
fi

# A minimal Debian with Python, made of packages: about 20 seconds.
make_base() {
    command -v mmdebstrap >/dev/null || fail 'mmdebstrap is not installed (Debian: apt-get install mmdebstrap)'
    local scratch
    scratch=$(mktemp -d)
    # shellcheck disable=SC2064 # the folder is known now, and gone from scope later
    trap "rm -rf '$scratch'" EXIT
    mmdebstrap --variant=minbase --include=ca-certificates,python3,python3-venv bookworm "$scratch/base.tar"
    base=localhost/jcsync-base:bookworm
    case $engine in
        docker | podman) "$engine" import "$scratch/base.tar" "$base" ;;
        buildah)
            local container
            container=$(buildah from scratch)
            buildah add --quiet "$container" "$scratch/base.tar" /
            buildah commit --quiet --rm "$container" "$base"
            ;;
    esac
}

if $bootstrap; then
    make_base
fi

options=(--tag "$tag" --build-arg "VERSION=$version")
[[ -z $base ]] || options+=(--build-arg "BASE=$base")
if [[ $engine != docker ]]; then
    # The OCI format has no place for a health check.
    options+=(--format docker)
    [[ -z $certs ]] || options+=(--volume "$certs:/etc/ssl/certs:ro")
fi
# Works without a user namespace of its own too, as inside of another container.
[[ $engine != buildah ]] || options+=(--isolation chroot --network host)

"$engine" build "${options[@]}" .
printf 'Built %s with %s.\n' "$tag" "$engine"
