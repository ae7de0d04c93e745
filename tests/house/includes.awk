# SPDX-License-Identifier: Apache-2.0
# Reads "FILE:LINE:#include …", prints what is not allowed, and fails if there was any.
BEGIN {
  level["cli"] = 4
  level["train"] = level["eval"] = level["report"] = 3
  level["data"] = level["ops"] = level["comm"] = level["cuda"] = level["plugin"] = level["weights"] = 2
  level["config"] = level["io"] = 1
  torch_free["io"] = torch_free["config"] = torch_free["report"] = 1
}

{
  split($0, part, ":")
  file = part[1]
  line = part[2]
  match($0, /[<"][^>"]*[>"]/)
  what = substr($0, RSTART + 1, RLENGTH - 2)
  quoted = substr($0, RSTART, 1) == "\""
  count++
  read_from[count] = file
  read_line[count] = line
  read_what[count] = what
  read_quoted[count] = quoted
  # Which of the SDK's headers bring torch along, directly or through another: settled in END.
  if (file ~ /^framework\/include\/dime\//) {
    header = substr(file, length("framework/include/") + 1)
    if (is_torch(what)) brings_torch[header] = 1
    if (what ~ /^dime\//) sdk_edges[header, what] = 1
  }
}

END {
  do {
    changed = 0
    for (edge in sdk_edges) {
      split(edge, ends, SUBSEP)
      if (brings_torch[ends[2]] && !brings_torch[ends[1]]) changed = brings_torch[ends[1]] = 1
    }
  } while (changed)
  for (i = 1; i <= count; i++) check(read_from[i], read_line[i], read_what[i], read_quoted[i])
  for (edge in known) {
    split(edge, ends, SUBSEP)
    if (ends[1] < ends[2] && (ends[2], ends[1]) in known) {
      complain(known[edge] ": " ends[1] "/ and " ends[2] "/ include each other (" known[ends[2], ends[1]] ")")
    }
  }
  if (!failed) print count " includes are in order"
  exit failed
}

function is_torch(what) { return what ~ /^(torch|ATen|c10|caffe2)\// }

function complain(text) {
  print text
  failed = 1
}

function check(file, line, what, quoted,    folder, of, place) {
  place = file ":" line
  split(file, folder, "/")
  if (folder[1] == "plugins") {
    check_plugin(place, file, what, quoted)
  } else if (folder[2] == "include") {
    if (quoted) complain(place ": the SDK may include only <dime/...>, the standard library and torch, not \"" what "\"")
  } else if (folder[3] != "") {
    check_framework(place, folder[2], what, quoted)
  }
}

# A plugin may have headers beside it, in plugins/KIND/, and in a folder of its own name, plugins/KIND/NAME/.
function check_plugin(place, file, what, quoted,    target, part, own) {
  if (!quoted) {
    if (what ~ /^(cli|train|eval|report|data|ops|comm|cuda|plugin|config|io)\//) {
      complain(place ": a plugin may include only <dime/...>, not <" what ">")
    }
    return
  }
  target = file
  sub(/[^\/]*$/, "", target)
  target = target what
  while (sub(/[^\/.]+\/\.\.\//, "", target)) continue
  split(file, part, "/")
  own = part[3]
  sub(/\..*/, "", own)
  if (target !~ "^plugins/" part[2] "/(" own "/)?[^/]+$") {
    complain(place ": a plugin may include only <dime/...> and its own headers, not \"" what "\"")
  }
}

function check_framework(place, from, what, quoted,    part, to) {
  if (!(from in level)) {
    complain(place ": folder framework/" from " has no place in the order of folders")
    return
  }
  if (torch_free[from] && (is_torch(what) || brings_torch[what])) {
    complain(place ": " from "/ is free of torch, but " what " brings it along")
  }
  if (!quoted) return
  split(what, part, "/")
  to = part[1]
  if (!(to in level)) {
    complain(place ": write \"" what "\" as \"FOLDER/FILE\" from framework/")
  } else if (level[to] > level[from]) {
    complain(place ": " from "/ may not know " to "/")
  } else if (to != from) {
    known[from, to] = place
  }
}
