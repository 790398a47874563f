// search.js: areas, cells and places.
function plain(s) { return s.normalize('NFD').replace(/[\u0300-\u036f]/g, '').toLowerCase().trim(); }

// search says where a text leads: an area, a cell, or nothing and why.
function search(d, text) {
  var areas = d.areas || [], want = plain(text);
  if (!want) { return { why: 'Type a name or a place first.' }; }
  if (/^-?\d+_-?\d+$/.test(want)) {
    return want in d.index.at ? { cell: d.index.at[want] } : { why: 'There is no cell ' + want + '.' };
  }
  var p = /^(-?\d+(?:\.\d+)?)\s*°?\s*([ns]?)\s*[,; ]\s*(-?\d+(?:\.\d+)?)\s*°?\s*([ewo]?)$/.exec(want);
  if (p) {
    var i = cellAt(d, Number(p[1]) * (p[2] === 's' ? -1 : 1), Number(p[3]) * (p[4] === 'w' ? -1 : 1));
    return i >= 0 ? { cell: i } : { why: 'No cell lies there.' };
  }
  var best = null, others = 0;
  areas.forEach(function (a) {
    var name = plain(a.name), score = name === want ? 3 : name.indexOf(want) === 0 ? 2 : name.indexOf(want) > 0 ? 1 : 0;
    if (score) { others++; }
    if (score && (!best || score > best.score)) { best = { area: a, score: score }; }
  });
  if (!best) { return { why: areas.length ? 'No area is called so.' : 'There are no areas here; give a cell (col_row) or latitude, longitude.' }; }
  return { area: best.area, others: best.score === 3 ? 0 : others - 1 };
}

function startSearch(d, go) {
  var list = document.getElementById('names'), input = document.getElementById('find'), found = document.getElementById('found');
  (d.areas || []).forEach(function (a) {
    var o = document.createElement('option');
    o.value = a.name;
    list.append(o);
  });
  function find() {
    var r = search(d, input.value);
    found.textContent = r.why || (r.area ? r.area.name + (r.others ? ' (and ' + r.others + ' more)' : '') : 'Cell ' + d.col[r.cell] + '_' + d.row[r.cell]);
    if (!r.why) { go(r); }
  }
  document.getElementById('search').addEventListener('submit', function (e) { e.preventDefault(); find(); });
  input.addEventListener('input', function () { // a name that was picked from the list
    if ((d.areas || []).some(function (a) { return a.name === input.value; })) { find(); }
  });
}
