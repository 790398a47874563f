// panel.js: what is known of one cell. Names are set as text, never as markup.
function make(tag, text, name) {
  var e = document.createElement(tag);
  if (text !== undefined) { e.textContent = text; }
  if (name) { e.className = name; }
  return e;
}

var splitNames = { t: 'the model learned from it', v: 'used to choose the model', h: 'held out: the model has never seen it', n: 'not part of training or testing' };

function unitText(d, per) { return d.unit ? d.unit + (per === 'km2' ? ' per km²' : '') : 'proxy value'; }

// showCell fills the panel; per says whether amounts are of the cell or of a km².
function showCell(d, i, per, photo) {
  var box = document.getElementById('cell'), at = centerOf(d, i), by = per === 'km2' ? d.km2[i] : 1;
  box.textContent = '';
  box.append(make('h3', placeText(at[0], at[1], 4)));
  box.append(make('p', 'cell ' + d.col[i] + '_' + d.row[i] + ', ' + number(d.km2[i]) + ' km²', 'small'));
  if (d.inside && d.inside[i] === '0') { box.append(make('p', 'Unlike the places the model learned from: do not rely on it.', 'warn')); }
  var dl = make('dl');
  function line(name, text) { dl.append(make('dt', name), make('dd', text)); }
  line('predicted', number(d.predicted[i] / by));
  if (d.low && d.low[i] !== null) { line(d.level + ' % range', number(d.low[i] / by) + ' to ' + number(d.high[i] / by)); }
  if (d.amount !== d.predicted) { line(d.amountName, number(d.amount[i] / by)); }
  if (d.true && d.true[i] !== null) {
    line('true', number(d.true[i] / by));
    line('error', ratioText(d.predicted[i] / d.true[i]));
  }
  if (d.since && d.ratio[i] !== null) {
    line(d.since, number(d.before[i] / by));
    line('change since', changeText(d.ratio[i]) + (d.ratioLow[i] === null ? '' : ' (' + changeText(d.ratioLow[i]) + ' to ' + changeText(d.ratioHigh[i]) + ')'));
  }
  box.append(make('p', unitText(d, per), 'small'), dl, make('p', splitNames[d.split[i]], 'small'));
  if (photo) {
    var c = make('canvas'), s = d.photos.size;
    c.width = c.height = s;
    c.getContext('2d').drawImage(photo, i % d.photos.columns * s, Math.floor(i / d.photos.columns) * s, s, s, 0, 0, s, s);
    c.setAttribute('role', 'img');
    c.setAttribute('aria-label', 'Satellite image of the cell');
    box.append(c);
  }
  if (d.points) { box.append(pointsOf(d, i)); }
}

function ratioText(r) {
  if (!isFinite(r) || !(r > 0)) { return '–'; }
  var p = 100 * (r - 1);
  return r >= 2 ? number(r) + ' times too high' : r <= 0.5 ? number(1 / r) + ' times too low' : number(Math.abs(p)) + ' % too ' + (p < 0 ? 'low' : 'high');
}

// changeText is a ratio of now by then as people say it.
function changeText(r) {
  if (!isFinite(r) || !(r > 0)) { return '–'; }
  if (r >= 3) { return '× ' + number(r); }
  var p = 100 * (r - 1);
  return (p < 0 ? '−' : '+') + (Math.abs(p) < 0.05 ? '0' : number(Number(Math.abs(p).toPrecision(2)))) + ' %';
}

function pointsOf(d, i) {
  var at = d.pointsAt[i], list = [], all = 0;
  for (var k = 0; k < d.points[at]; k++) {
    list.push([d.categories[d.points[at + 1 + 2 * k]], d.points[at + 2 + 2 * k]]);
    all += d.points[at + 2 + 2 * k];
  }
  list.sort(function (a, b) { return b[1] - a[1]; });
  var part = make('div');
  part.append(make('p', list.length ? number(all) + ' points of interest' : 'No points of interest', 'small'));
  var ul = make('ul', undefined, 'points');
  ul.tabIndex = 0;
  ul.setAttribute('aria-label', 'Points of interest by category');
  list.forEach(function (p) {
    var li = make('li'), bar = make('span', undefined, 'bar');
    bar.style.width = 100 * p[1] / list[0][1] + '%';
    li.append(bar, make('span', p[0]), make('span', number(p[1])));
    ul.append(li);
  });
  if (list.length) { part.append(ul); }
  return part;
}

// say tells screen readers about a cell, once the pointer rests.
function say(text) {
  clearTimeout(say.timer);
  say.timer = setTimeout(function () { document.getElementById('says').textContent = text; }, 250);
}

function sentenceOf(d, i, per) {
  var by = per === 'km2' ? d.km2[i] : 1, at = centerOf(d, i), s = placeText(at[0], at[1], 3) + ': predicted ' + number(d.predicted[i] / by) + ' ' + unitText(d, per);
  if (d.low && d.low[i] !== null) { s += ', between ' + number(d.low[i] / by) + ' and ' + number(d.high[i] / by); }
  if (d.inside && d.inside[i] === '0') { s += ', outside the domain of the model'; }
  return s;
}

// showLegend draws a scale, or the keys of a layer without one.
function showLegend(title, scale, keys) {
  var box = document.getElementById('legend'), spoken = title;
  box.textContent = '';
  box.append(make('div', title));
  if (scale) {
    var bar = make('div', undefined, 'bar'), row = make('div', undefined, 'ticks');
    bar.style.background = 'linear-gradient(to right, ' + scale.colors.join(', ') + ')';
    scale.ticks.forEach(function (t) {
      var x = scale.at(t.value);
      if (x < -0.001 || x > 1.001) { return; }
      var mark = make('i'), text = make('span', t.text);
      mark.style.left = text.style.left = 100 * x + '%';
      if (x < 0.04) { text.style.transform = 'none'; }
      if (x > 0.96) { text.style.transform = 'translateX(-100%)'; }
      row.append(mark, text);
    });
    box.append(bar, row);
    spoken += ', ' + scale.ticks.map(function (t) { return t.text; }).join(', ');
  }
  var line = make('div');
  (keys || []).forEach(function (k) {
    var key = make('span', undefined, 'key'), swatch = make('span', undefined, 'swatch' + (k.hatch ? ' hatch' : ''));
    if (k.color) { swatch.style.background = k.color; }
    key.append(swatch, k.text);
    line.append(key);
    spoken += ', ' + k.text;
  });
  box.append(line);
  box.setAttribute('aria-label', 'Legend: ' + spoken);
}
