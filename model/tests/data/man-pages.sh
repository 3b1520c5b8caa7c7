#!/bin/sh
# Lists the headings of the man pages that rules cite: sections, subsections and the terms of lists.
# Usage: man-pages.sh DIRECTORY VERSION PAGE... > man-pages.txt, where DIRECTORY is usr/share/man of Debian's
# packages manpages and manpages-dev of that version, unpacked by dpkg -x, and PAGE is a name as `pipe(7)`.
set -eu
root=$1 version=$2
shift 2
echo "# Headings of the Linux man-pages as Debian's packages manpages and manpages-dev $version have them."
echo "# Made by man-pages.sh; a page, and below it its headings."
for page in "$@"; do
    name=${page%(*} section=${page#*(}
    section=${section%)}
    file=$(find "$root" -name "$name.$section.gz" -path "*/man/man*" | head -1)
    [ -n "$file" ] || { echo "no page $page" >&2; continue; }
    seen=0
    while zcat "$file" | grep -q '^\.so ' && [ $seen -lt 3 ]; do
        file="$root/$(zcat "$file" | sed -n 's/^\.so //p').gz" seen=$((seen + 1))
    done
    echo "$page"
    # A term is the line after .TP (or .TQ); requests and fonts are taken off.
    zcat "$file" | awk '
        function plain(s) {
            gsub(/\\f./, "", s); gsub(/^\.[BIRS]+ +/, "", s); gsub(/\\-/, "-", s); gsub(/\\[&|^]/, "", s)
            gsub(/\\\(en/, "-", s); gsub(/\\%/, "", s); gsub(/"/, "", s)
            return s
        }
        /^\.S[HS] / { sub(/^\.S[HS] +/, ""); print "  " plain($0); next }
        /^\.T[PQ]/ { term = 1; next }
        /^\.(PD|IP)/ && term { next }
        term { print "  " plain($0); term = 0 }
    ' | sort -u
done
