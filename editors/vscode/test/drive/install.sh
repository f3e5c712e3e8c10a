#!/bin/sh
# Installs the pinned code-server, its Node and playwright-core, once for each lock file, and prints their folder.
#
# They lie in $QVR_DRIVE, else in the user's cache under the lock file's hash. A folder comes into being whole, by
# renaming, so that an installation that was interrupted is begun anew. With `--find` it only looks: without a folder
# it ends with 1.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
hash=$(sha256sum <"$here/package-lock.json" | cut -c1-16)
drive=${QVR_DRIVE:-${XDG_CACHE_HOME:-$HOME/.cache}/qvr-drive/$hash-$(uname -m)}
if [ -d "$drive" ]; then
  echo "$drive"
  exit
elif [ "${1:-}" = --find ]; then
  exit 1
fi

mkdir -p "$(dirname "$drive")"
exec 9>"$drive.lock"
flock 9 # two at once: the second one waits, and finds it done
if [ ! -d "$drive" ]; then
  part=$drive.part
  log=$drive.log
  rm -rf "$part"
  mkdir "$part"
  cp "$here/package.json" "$here/package-lock.json" "$part"
  echo "Building code-server, which takes some minutes; $log has the details." >&2
  if ! (
    cd "$part" &&
      npm ci --ignore-scripts --no-audit --no-fund &&
      node=$(echo "$PWD"/node_modules/node-linux-*) &&
      PATH=$node/bin:$PATH npm_config_nodedir=$node JOBS=max \
        npm rebuild --foreground-scripts code-server argon2 &&
      "$node/bin/node" node_modules/code-server/out/node/entry.js --version
  ) >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    echo "code-server could not be built. It needs a C++ compiler, make, Python, pkg-config, libkrb5-dev, libx11-dev," >&2
    echo "libxkbfile-dev and libsecret-1-dev; $log has all that was said." >&2
    exit 1
  fi
  mv -T "$part" "$drive"
fi
echo "$drive"
