// frame.js: lines of longitude and latitude with their degrees, and the way a map
// begins.
var Graticule = L.LayerGroup.extend({
  onAdd: function (map) {
    L.LayerGroup.prototype.onAdd.call(this, map);
    map.on('moveend', this.draw, this);
    this.draw();
  },
  onRemove: function (map) {
    map.off('moveend', this.draw, this);
    L.LayerGroup.prototype.onRemove.call(this, map);
  },
  draw: function () {
    var map = this._map, b = map.getBounds(), west = b.getWest(), east = b.getEast(), south = b.getSouth(), north = b.getNorth();
    this.clearLayers();
    var step = stepOf((east - west) / Math.max(2, map.getSize().x / 160)), x, y, digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    var edge = map.containerPointToLatLng([map.getSize().x - 4, 2]); // degrees stand where no control does
    for (x = Math.ceil(west / step) * step; x <= east; x += step) {
      var at = map.latLngToContainerPoint([north, x]).x; // beside the buttons, and not cut off
      this.line([[south, x], [north, x]], [edge.lat, x], at > 45 && at < map.getSize().x - 60 ? lonText(x, digits) : '', [-3, 0], '');
    }
    for (y = Math.ceil(south / step) * step; y <= north; y += step) { this.line([[y, west], [y, east]], [y, edge.lng], latText(y, digits), [0, 16], ' edge'); }
  },
  line: function (ends, at, text, anchor, side) {
    if (Math.abs(ends[0][0]) > 90 || Math.abs(ends[1][0]) > 90) { return; }
    this.addLayer(L.polyline(ends, { color: '#000', weight: 1, opacity: 0.18, interactive: false }));
    if (!text) { return; }
    var span = document.createElement('span');
    span.className = 'graticule' + side;
    span.textContent = text;
    this.addLayer(L.marker(at, { interactive: false, keyboard: false, icon: L.divIcon({ className: '', iconSize: null, iconAnchor: anchor, html: span }) }));
  }
});

function stepOf(least) {
  var e = Math.pow(10, Math.floor(Math.log10(least)));
  return [1, 2, 5, 10].map(function (m) { return m * e; }).filter(function (s) { return s >= least; })[0] || 10 * e;
}

function lonText(x, digits) {
  x = ((x + 180) % 360 + 360) % 360 - 180;
  return Math.abs(x).toFixed(digits) + '°' + (Math.abs(x) < 1e-9 ? '' : x < 0 ? 'W' : 'E');
}

function latText(y, digits) { return Math.abs(y).toFixed(digits) + '°' + (Math.abs(y) < 1e-9 ? '' : y < 0 ? 'S' : 'N'); }

// startMap makes the map of d's cells. Mercator ends at 85 degrees: regions beyond
// are drawn by plain degrees.
function startMap(d) {
  var beyond = d.index.north > 85 || d.index.south < -85;
  var still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  var map = L.map('map', {
    crs: beyond ? L.CRS.EPSG4326 : L.CRS.EPSG3857, keyboard: false, preferCanvas: true, renderer: L.canvas({ padding: 0.2 }), zoomSnap: 0.25, minZoom: 0, maxZoom: 20,
    zoomAnimation: !still, fadeAnimation: !still, inertia: !still, worldCopyJump: false
  });
  map.attributionControl.setPrefix(false).addAttribution('Leaflet');
  L.control.scale({ imperial: false }).addTo(map);
  var cells = new Cells(d);
  map.fitBounds(cells.getBounds(), { animate: false });
  cells.addTo(map);
  new Graticule().addTo(map);
  return { map: map, cells: cells, still: still };
}
