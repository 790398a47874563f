// data.js: the cells, read from the page. Whole numbers are written as differences,
// coordinates in millionths of a degree.
function sums(v) {
  var x = 0;
  return v.map(function (d) { x += d; return x; });
}

function readCells() {
  var d = JSON.parse(document.getElementById('data').textContent);
  ['lon', 'lat', 'nw', 'sw', 'col', 'row'].forEach(function (name) { d[name] = sums(d[name]); });
  d.lon = d.lon.map(function (x) { return x / 1e6; });
  d.lat = d.lat.map(function (x) { return x / 1e6; });
  d.n = d.nw.length;
  d.amount = d.amount || d.predicted;
  d.pointsAt = [];
  for (var i = 0, at = 0; d.points && i < d.n; i++) {
    d.pointsAt.push(at);
    at += 1 + 2 * d.points[at];
  }
  (d.areas || []).forEach(function (a) {
    a.rings = a.rings.map(function (ring) {
      var v = sums(ring), half = v.length / 2, out = [];
      for (var i = 0; i < half; i++) { out.push([v[half + i] / 1e6, v[i] / 1e6]); }
      return out;
    });
  });
  d.index = indexOf(d);
  return d;
}

// corner numbers of cell i, clockwise from the north-west.
function cornersOf(d, i) { return [d.nw[i], d.nw[i] + 1, d.sw[i] + 1, d.sw[i]]; }

function ringOf(d, i) { return cornersOf(d, i).map(function (k) { return [d.lat[k], d.lon[k]]; }); }

function centerOf(d, i) {
  var k = cornersOf(d, i);
  return [(d.lat[k[0]] + d.lat[k[2]]) / 2, (d.lon[k[0]] + d.lon[k[2]]) / 2];
}

// indexOf sorts cells into squares of the size of a few cells, to find the one at a
// place, and by column and row, to find neighbors.
function indexOf(d) {
  var x = { west: Infinity, south: Infinity, east: -Infinity, north: -Infinity, bins: {}, at: {} };
  for (var k = 0; k < d.lon.length; k++) {
    x.west = Math.min(x.west, d.lon[k]); x.east = Math.max(x.east, d.lon[k]);
    x.south = Math.min(x.south, d.lat[k]); x.north = Math.max(x.north, d.lat[k]);
  }
  var side = Math.max(1, Math.ceil(Math.sqrt(d.n)));
  x.dx = (x.east - x.west) / side || 1; x.dy = (x.north - x.south) / side || 1;
  for (var i = 0; i < d.n; i++) {
    x.at[d.col[i] + '_' + d.row[i]] = i;
    var c = cornersOf(d, i), lon = c.map(function (k) { return d.lon[k]; }), lat = c.map(function (k) { return d.lat[k]; });
    var a = bin(x.west, x.dx, Math.min.apply(null, lon)), b = bin(x.west, x.dx, Math.max.apply(null, lon));
    var e = bin(x.south, x.dy, Math.min.apply(null, lat)), f = bin(x.south, x.dy, Math.max.apply(null, lat));
    for (var u = a; u <= b; u++) {
      for (var v = e; v <= f; v++) {
        (x.bins[u + ',' + v] = x.bins[u + ',' + v] || []).push(i);
      }
    }
  }
  return x;
}

function bin(from, step, v) { return Math.floor((v - from) / step); }

// cellAt is the cell at a place, -1: none.
function cellAt(d, lat, lon) {
  var x = d.index;
  lon = x.west + ((lon - x.west) % 360 + 360) % 360; // the same place, east of the western end
  var here = x.bins[bin(x.west, x.dx, lon) + ',' + bin(x.south, x.dy, lat)] || [];
  for (var j = 0; j < here.length; j++) {
    var c = cornersOf(d, here[j]), inside = false;
    for (var a = 0, b = 3; a < 4; b = a++) {
      var ya = d.lat[c[a]], yb = d.lat[c[b]], xa = d.lon[c[a]], xb = d.lon[c[b]];
      if ((ya > lat) !== (yb > lat) && lon < (xb - xa) * (lat - ya) / (yb - ya) + xa) { inside = !inside; }
    }
    if (inside) { return here[j]; }
  }
  return -1;
}

// placeText is latitude and longitude for people.
function placeText(lat, lon, digits) {
  lon = ((lon + 180) % 360 + 360) % 360 - 180;
  return Math.abs(lat).toFixed(digits) + '° ' + (lat < 0 ? 'S' : 'N') + ', ' + Math.abs(lon).toFixed(digits) + '° ' + (lon < 0 ? 'W' : 'E');
}
