#!/usr/bin/env bash
# The disk image of the app that PyInstaller made:  make-dmg.sh DIST VERSION BACKEND
# Signed where SIGN_IDENTITY names a certificate; else ad hoc, and the person confirms the first start.
set -euo pipefail
dist=$1 version=$2 backend=$3
here=$(cd "$(dirname "$0")" && pwd)
app="$dist/APUS Chat.app"

codesign --force --deep --options runtime --entitlements "$here/entitlements.plist" \
  --sign "${SIGN_IDENTITY:--}" "$app"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp -R "$app" "$folder/"
ln -s /Applications "$folder/Applications"
hdiutil create -volname "APUS Chat" -srcfolder "$folder" -ov -format ULFO \
  "$dist/APUS-Chat-$version-$backend.dmg"
