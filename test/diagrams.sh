#!/usr/bin/env bash
# The pictures in diagrams/ are of their sources, the README there shows them all, and what they name exists.
exec "$(dirname "$0")/../diagrams/render.sh" --check
