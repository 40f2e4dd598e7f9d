# Sourced: `follow PAGE` does what a page shows, in the folder where it is called. A block is a step, if a mark stands before it:
#   <!-- run -->            commands, which succeed; `cd` holds for the steps behind it
#   <!-- run, and fail -->  commands, the last of which does not
#   <!-- output -->         what the commands before have printed, among other things; a line `…` is whatever stands between
#   <!-- write: PATH -->    the text of a file
#   <!-- append: PATH -->   the end of a file
# Blocks without a mark are for the reader. A block that clones is run once, also where several pages have it.

followed=$(mktemp)
failed=''
declare -A cloned

# What has failed ends the script, so that nothing but its trap at the end can tell.
tell_failed() {
  [ -z "$failed" ] || printf '%s\n' "a page shows these commands, and they failed:" "$failed" "with:" "$(<"$followed")" >&2
  rm -f "$followed"
}

# printed EXPECTED: `$followed` has these lines in this order, with anything in the place of each `…`.
printed() {
  local rest chunk='' line
  rest=$(<"$followed")
  while IFS= read -r line; do
    if [ "$line" != … ]; then
      chunk+=$line$'\n'
      continue
    fi
    has_chunk || return 1
  done <<<"$1"
  has_chunk
}
has_chunk() {
  chunk=${chunk%$'\n'}
  [[ $rest == *"$chunk"* ]] || return 1
  rest=${rest#*"$chunk"} chunk=''
}

step() {
  local kind=$1 body=$2
  case $kind in
    run)
      if [ -n "${cloned[$body]-}" ]; then
        cd "${cloned[$body]}"
        return
      fi
      failed=$body
      eval "$body" >"$followed" 2>&1
      failed=''
      [[ $body != *"git clone"* ]] || cloned[$body]=$PWD
      ;;
    'run, and fail')
      if (eval "$body") >"$followed" 2>&1; then die "$page: these commands did not fail:" "$body"; fi
      ;;
    output) printed "$body" || die "$page: this was not printed:" "$body" "but:" "$(<"$followed")" ;;
    write:*) printf '%s\n' "$body" >"${kind#write: }" ;;
    append:*) printf '\n%s\n' "$body" >>"${kind#append: }" ;;
  esac
  steps=$((steps + 1))
}

follow() {
  local page=$1 kind='' body='' inside='' line steps=0
  while IFS= read -r line <&3; do
    if [ -n "$inside" ] && [ "$line" = '```' ]; then
      step "$kind" "${body%$'\n'}"
      kind='' inside='' body=''
    elif [ -n "$inside" ]; then
      body+=$line$'\n'
    elif [[ -n $kind ]]; then
      [[ $line == '```'?* ]] || die "$page: no block follows <!-- $kind -->"
      inside=yes
    elif [[ $line =~ ^'<!-- '(run|'run, and fail'|output|'write: '.*|'append: '.*)' -->'$ ]]; then
      kind=${BASH_REMATCH[1]}
    fi
  done 3<"$page"
  [ "$steps" -gt 0 ] || die "$page shows no steps"
  echo "$page: $steps steps were done"
}
