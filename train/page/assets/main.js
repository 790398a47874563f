// main.js: puts the parts together.
var listed = 20; // cells in the list of the highest

function start() {
  var d = readCells(), view = startMap(d), map = view.map, layer = 'predicted', per = 'cell', photo = null, picked = -1, hovered = -1;
  var mark = L.layerGroup().addTo(map), outline = L.layerGroup().addTo(map), under = L.layerGroup().addTo(map);
  var box = document.getElementById('map');

  function by(i) { return per === 'km2' ? d.km2[i] : 1; }
  function each(f) { return d.predicted.map(function (_, i) { return f(i); }); }
  function of(values) { return function (i) { return values[i] === null ? NaN : values[i] / by(i); }; }

  function paint() {
    var hatched = d.inside && layer !== 'trust' && d.inside.indexOf('0') >= 0 ? function (i) { return d.inside[i] === '0'; } : null;
    var keys = hatched ? [{ hatch: true, text: 'outside the domain of the model' }] : [], unit = unitText(d, per), gray = { color: noValue, text: 'no value' };
    var both = each(of(d.predicted)).concat(d.true ? each(of(d.true)) : []);
    var scale, value, title, gaps = false;
    if (layer === 'trust') {
      view.cells.show(['#b97700', '#9ecae1'], function (i) { return Number(d.inside[i]); }, null, null);
      showLegend('Is the cell like those the model learned from?', null, [{ color: '#9ecae1', text: 'yes' }, { color: '#b97700', text: 'no: do not rely on it' }]);
      return;
    }
    if (layer === 'photo') {
      view.cells.show([noValue], function () { return 0; }, hatched, photo);
      showLegend('Images that the model sees', null, keys);
      return;
    }
    if (layer === 'error') {
      value = function (i) { return d.true[i] === null ? NaN : d.predicted[i] / d.true[i]; };
      scale = ratioScale(each(value));
      title = 'Predicted by true: blue too low, red too high';
    } else if (layer === 'change') {
      value = function (i) { return d.ratio[i] === null ? NaN : d.ratio[i]; };
      scale = ratioScale(each(value));
      title = 'Now by ' + d.since + ': blue less, red more';
    } else if (layer === 'range') {
      value = function (i) { return d.low[i] === null ? NaN : (d.high[i] - d.low[i]) / by(i); };
      scale = logScale(each(value));
      title = 'Width of the ' + d.level + ' % interval, ' + unit;
    } else {
      value = of(layer === 'true' ? d.true : d.predicted);
      scale = logScale(both);
      title = (layer === 'true' ? 'True ' : 'Predicted ') + (d.unit ? 'emission, ' + unit + (per === 'cell' ? ' per cell' : '') : 'value (a proxy)');
    }
    view.cells.show(scale.colors, function (i) {
      var t = scale.at(value(i));
      gaps = gaps || t !== t;
      return t;
    }, hatched, null);
    showLegend(title, scale, gaps ? keys.concat([gray]) : keys);
  }

  function draw(group, i, color) {
    group.clearLayers();
    if (i < 0) { return; }
    [['#fff', 5], [color, 2.5]].forEach(function (s) {
      group.addLayer(L.polygon(ringOf(d, i), { color: s[0], weight: s[1], fill: false, interactive: false }));
    });
  }

  function show(i) {
    if (i < 0) { return; }
    showCell(d, i, per, photo);
    say(sentenceOf(d, i, per));
  }

  function hover(i) {
    if (i === hovered) { return; }
    hovered = i;
    draw(under, i, '#000');
    show(i >= 0 ? i : picked);
  }

  function pick(i, zoom) {
    picked = i;
    draw(mark, i, '#d4006a');
    show(i);
    if (i < 0) { return; }
    if (zoom) {
      map.setView(centerOf(d, i), Math.max(map.getZoom(), map.getBoundsZoom(L.latLngBounds(ringOf(d, i)).pad(4))), { animate: !view.still });
    } else if (!map.getBounds().pad(-0.05).contains(centerOf(d, i))) {
      map.panTo(centerOf(d, i), { animate: false });
    }
  }

  function visit(area) {
    outline.clearLayers();
    outline.addLayer(L.polygon(area.rings, { color: '#fff', weight: 5, fill: false, interactive: false }));
    var line = L.polygon(area.rings, { color: '#d4006a', weight: 2.5, fill: false, interactive: false });
    outline.addLayer(line);
    map.fitBounds(line.getBounds().pad(0.15), { animate: !view.still });
    say(area.name);
  }

  // Leaflet leaves movements out that follow one another soon; the last one counts.
  var moved = null;
  box.addEventListener('pointermove', function (e) {
    if (e.pointerType === 'touch') { return; }
    if (!moved) {
      requestAnimationFrame(function () {
        var at = moved && map.mouseEventToLatLng(moved);
        moved = null;
        if (at && !map.dragging.moving()) { hover(cellAt(d, at.lat, at.lng)); }
      });
    }
    moved = e;
  });
  box.addEventListener('pointerleave', function () { moved = null; hover(-1); });
  map.on('click', function (e) {
    var i = cellAt(d, e.latlng.lat, e.latlng.lng);
    if (i >= 0) { pick(i, false); }
  });

  box.addEventListener('keydown', function (e) {
    var step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
    if (e.altKey || e.ctrlKey || e.metaKey) { return; }
    if (step) {
      pick(picked < 0 ? middle() : next(picked, step), false);
    } else if (e.key === '+' || e.key === '=') {
      map.zoomIn(1, { animate: false });
    } else if (e.key === '-') {
      map.zoomOut(1, { animate: false });
    } else if (e.key === 'Home') {
      map.fitBounds(view.cells.getBounds(), { animate: false });
    } else {
      return;
    }
    e.preventDefault();
  });

  // next is the nearest cell in a direction, over gaps; i where there is none.
  function next(i, step) {
    for (var k = 1; k < 60; k++) {
      var at = d.index.at[(d.col[i] + k * step[0]) + '_' + (d.row[i] + k * step[1])];
      if (at !== undefined) { return at; }
    }
    return i;
  }

  // middle is the cell nearest to the middle of what is shown.
  function middle() {
    var c = map.getCenter(), best = 0, least = Infinity;
    for (var i = 0; i < d.n; i++) {
      var p = centerOf(d, i), far = Math.pow(p[0] - c.lat, 2) + Math.pow(p[1] - c.lng, 2);
      if (far < least) { least = far; best = i; }
    }
    return best;
  }

  function list() {
    var body = document.querySelector('#top tbody'), all = d.amount.reduce(function (sum, x) { return sum + x; }, 0), order = d.amount.map(function (_, i) { return i; }).filter(function (i) { return d.amount[i] !== null; });
    body.textContent = '';
    document.getElementById('top-unit').textContent = unitText(d, per);
    order.sort(function (a, b) { return d.amount[b] / by(b) - d.amount[a] / by(a) || a - b; }).slice(0, listed).forEach(function (i) {
      var tr = make('tr'), th = make('th'), at = centerOf(d, i), b = make('button', placeText(at[0], at[1], 3), 'link');
      th.scope = 'row';
      b.type = 'button';
      b.addEventListener('click', function () { pick(i, true); box.scrollIntoView({ block: 'nearest' }); });
      th.append(b);
      tr.append(th, make('td', number(d.amount[i] / by(i))));
      if (d.unit) { tr.append(make('td', (100 * d.amount[i] / all).toFixed(1) + ' %')); }
      body.append(tr);
    });
  }

  document.querySelectorAll('input[name=layer]').forEach(function (r) {
    r.addEventListener('change', function () { layer = r.value; paint(); });
  });
  document.getElementById('per').addEventListener('change', function (e) { per = e.target.value; paint(); list(); show(picked); });
  startSearch(d, function (r) { if (r.area) { visit(r.area); } else { pick(r.cell, true); } });
  document.querySelectorAll('button.area').forEach(function (b) {
    b.addEventListener('click', function () {
      (d.areas || []).forEach(function (a) { if (a.name === b.dataset.area) { visit(a); } });
      box.scrollIntoView({ block: 'center' });
    });
  });
  if (d.photos) {
    var img = new Image();
    img.onload = function () { photo = img; if (layer === 'photo') { paint(); } show(picked); };
    img.src = d.photos.uri;
  }

  // On paper the map has the width of the page.
  addEventListener('beforeprint', function () {
    view.cells.printing = true;
    box.style.width = '660px';
    box.style.height = '500px';
    map.invalidateSize({ animate: false, pan: false });
    map.fitBounds(view.cells.getBounds(), { animate: false });
  });
  addEventListener('afterprint', function () {
    view.cells.printing = false;
    box.style.width = box.style.height = '';
    map.invalidateSize({ animate: false });
  });

  // Browsers may have kept a choice from before the page was loaded again.
  var checked = document.querySelector('input[name=layer]:checked');
  layer = checked ? checked.value : layer;
  per = document.getElementById('per').value;
  paint();
  list();
}

start();
startTables();
