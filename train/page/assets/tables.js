// tables.js: a click on a heading sorts, another one turns the order round.
function startTables() {
  document.querySelectorAll('table.sortable').forEach(function (table) {
    var heads = Array.prototype.slice.call(table.tHead.rows[0].cells);
    heads.forEach(function (th, column) {
      var b = document.createElement('button');
      b.type = 'button';
      b.className = 'sort';
      b.textContent = th.textContent;
      th.textContent = '';
      th.append(b);
      b.addEventListener('click', function () {
        var down = th.getAttribute('aria-sort') ? th.getAttribute('aria-sort') === 'ascending' : column > 0 && th.dataset.first !== 'up'; // amounts begin with the largest
        heads.forEach(function (h) { h.removeAttribute('aria-sort'); });
        th.setAttribute('aria-sort', down ? 'descending' : 'ascending');
        sortRows(table.tBodies[0], column, down);
      });
    });
  });
}

function sortRows(body, column, down) {
  var rows = Array.prototype.map.call(body.rows, function (r, i) {
    var c = r.cells[column], text = c.dataset.sort === undefined ? c.textContent : c.dataset.sort;
    return { row: r, text: text, number: text === '' ? NaN : Number(text), i: i };
  });
  rows.sort(function (a, b) {
    var x = a.number, y = b.number;
    if (a.text === '' || b.text === '') { return (a.text === '') - (b.text === '') || a.i - b.i; } // what is missing comes last
    var order = x === x && y === y ? x - y : a.text.localeCompare(b.text);
    return (down ? -order : order) || a.i - b.i;
  });
  rows.forEach(function (r) { body.append(r.row); });
}
