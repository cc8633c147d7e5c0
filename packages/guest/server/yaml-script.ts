/**
 * A reader of the part of YAML that cloud-config files are written in, in awk, since the guest has no other language.
 * Understood: mappings and lists in blocks, lists in brackets on one line, plain and quoted text on one line, literal
 * (`|`) and folded (`>`) text, comments. Anything else (anchors, tags, braces, text or brackets over several lines,
 * a key twice) is refused with its line: nothing is guessed.
 *
 * `awk -v folder=F -f yaml.awk FILE` writes each value to a file of F named by its path, such as
 * `write_files.0.content`, and all paths to F/paths. Status 1 and one line on standard error: not understood.
 * @spec yaml "Block Style Productions"
 */
export const yamlScript = `
function fail(why) {
  print "line " (at > count ? count : at) " " why > "/dev/stderr"
  failed = 1
  exit 1
}
function store(path, text) {
  if (path in stored) fail("has a key that was there before")
  stored[path] = 1
  print path > (folder "/paths")
  printf "%s", text > (folder "/" path)
  close(folder "/" path)
}
function below(path, key) { return path == "" ? key : path "." key }
function indent_of(text) {
  match(text, /^ */)
  if (substr(text, RLENGTH + 1, 1) == "\\t") fail("is indented with a tab")
  return RLENGTH
}
# To the next line that says something; its indentation, or -1 at the end.
function next_line() {
  while (at <= count && line[at] ~ /^[ \\t]*(#.*)?$/) at++
  return at > count ? -1 : indent_of(line[at])
}
function is_pair(text) { return text ~ /^[A-Za-z0-9_-]+ *:( |$)/ }
function is_item(text) { return text ~ /^-( |$)/ }
function trim(text) { sub(/^[ \\t]+/, "", text); sub(/[ \\t]+$/, "", text); return text }
function only_comment(text) { return text ~ /^[ \\t]*$/ || text ~ /^[ \\t]+#/ }

function block(indent, path,   n, text, key) {
  if (is_item(substr(line[at], indent + 1))) { list(indent, path); return }
  while ((n = next_line()) >= indent) {
    text = substr(line[at], indent + 1)
    if (n > indent) fail("is indented more than what it belongs to")
    if (!is_pair(text)) fail("is not understood")
    key = text
    sub(/ *:.*/, "", key)
    sub(/^[A-Za-z0-9_-]+ *:/, "", text)
    value(trim(text), indent, below(path, key), 1)
  }
}
function list(indent, path,   n, text, item, rest) {
  for (item = 0; (n = next_line()) >= indent; item++) {
    text = substr(line[at], indent + 1)
    if (n > indent) fail("is indented more than what it belongs to")
    if (!is_item(text)) return
    rest = substr(text, 2)
    if (is_pair(trim(rest)) || is_item(trim(rest))) {
      # What is behind the dash is a block of its own, as if it stood there alone.
      line[at] = substr(line[at], 1, indent) " " rest
      block(indent_of(line[at]), below(path, item))
    } else value(trim(rest), indent, below(path, item), 0)
  }
}
# What is behind a key or a dash that stands at this indentation.
function value(text, indent, path, is_key,   n) {
  if (text ~ /^[|>]/) { literal(text, indent, path); return }
  if (text != "" && text !~ /^#/) {
    if (text ~ /^\\[/) { rest = text; flow(path); if (!only_comment(rest)) fail("is not understood") }
    else store(path, scalar(text))
    at++
    return
  }
  at++
  n = next_line()
  if (n > indent) block(n, path)
  else if (is_key && n == indent && is_item(substr(line[at], n + 1))) list(n, path)
  else store(path, "")
}
# A list in brackets at the beginning of the variable rest, which is left with what comes after.
function flow(path,   item, text) {
  rest = trim(substr(rest, 2))
  for (item = 0; rest !~ /^\\]/; item++) {
    if (rest == "" || item > 1000) fail("has brackets that do not close on it")
    if (rest ~ /^\\[/) flow(below(path, item))
    else if (rest ~ /^["']/) store(below(path, item), quoted())
    else {
      match(rest, /^[^],]*/)
      text = trim(substr(rest, 1, RLENGTH))
      rest = substr(rest, RLENGTH + 1)
      store(below(path, item), plain(text))
    }
    rest = trim(rest)
    if (rest ~ /^,/) rest = trim(substr(rest, 2))
    else if (rest !~ /^\\]/) fail("has brackets that do not close on it")
  }
  rest = substr(rest, 2)
}
function scalar(text,   read) {
  if (text !~ /^["']/) { sub(/[ \\t]+#.*$/, "", text); return plain(text) }
  rest = text
  read = quoted()
  if (!only_comment(rest)) fail("is not understood")
  return read
}
function plain(text) {
  text = trim(text)
  if (text ~ /^[]{}&*!|>%@\`,#[]/ || text ~ /^[-?:]( |$)/) fail("is not understood")
  if (text ~ /: / || text ~ /:$/) fail("has a colon in text without quotes")
  return text == "~" || text == "null" ? "" : text
}
# Quoted text at the beginning of the variable rest, which is left with what comes after.
function quoted(   quote, read, c, at_end) {
  quote = substr(rest, 1, 1)
  for (at_end = 2; at_end <= length(rest); at_end++) {
    c = substr(rest, at_end, 1)
    if (c == quote) {
      if (quote == "\\"" || substr(rest, at_end + 1, 1) != quote) {
        rest = substr(rest, at_end + 1)
        return read
      }
      at_end++
    } else if (c == "\\\\" && quote == "\\"") {
      c = substr(rest, ++at_end, 1)
      if (!(c in escapes)) fail("has an escape that is not understood")
      c = escapes[c]
    }
    read = read c
  }
  fail("has quotes that do not close on it")
}
function literal(header, indent, path,   style, chomp, deep, n, text, all, blank, was_plain, first) {
  if (!match(header, /^[|>][-+]?/)) fail("is not understood")
  style = substr(header, 1, 1)
  chomp = substr(header, 2, RLENGTH - 1)
  if (!only_comment(substr(header, RLENGTH + 1))) fail("is not understood")
  deep = -1
  blank = 0
  first = 1
  for (at++; at <= count; at++) {
    text = line[at]
    if (text ~ /^ *$/ && (deep < 0 || length(text) <= deep)) { blank++; continue }
    match(text, /^ */)
    n = RLENGTH
    if (deep < 0 && n > indent) deep = n
    if (deep < 0 || n < deep) break
    text = substr(text, deep + 1)
    if (first) all = newlines(blank) text
    else if (style == ">" && was_plain && text !~ /^[ \\t]/) all = all (blank > 0 ? newlines(blank) : " ") text
    else all = all newlines(blank + 1) text
    was_plain = text !~ /^[ \\t]/
    first = 0
    blank = 0
  }
  if (!first && chomp == "") all = all "\\n"
  if (chomp == "+") all = all newlines(first ? blank : blank + 1)
  store(path, all)
}
function newlines(n,   text) { while (n-- > 0) text = text "\\n"; return text }

BEGIN {
  escapes["n"] = "\\n"; escapes["t"] = "\\t"; escapes["r"] = "\\r"; escapes["e"] = "\\033"; escapes["0"] = ""
  escapes["\\\\"] = "\\\\"; escapes["\\""] = "\\""; escapes["/"] = "/"; escapes[" "] = " "
}
{ sub(/\\r$/, ""); line[++count] = $0 }
END {
  if (failed) exit 1
  printf "" > (folder "/paths")
  at = 1
  n = next_line()
  if (n == 0 && line[at] ~ /^---[ \\t]*(#.*)?$/) { at++; n = next_line() }
  if (n >= 0) block(n, "")
  if (next_line() >= 0) fail("is not understood")
}
`
