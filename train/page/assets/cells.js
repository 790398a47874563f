// cells.js: all cells as one path of Leaflet's canvas renderer. One path a cell would
// be asked one by one whether the pointer is in it; and cells of one color, drawn in
// one go, have no seams.
var Cells = L.Path.extend({
  options: { interactive: false, stroke: false, fill: true },
  initialize: function (d, options) {
    L.setOptions(this, options);
    this.d = d;
    this.x = new Float64Array(d.lon.length);
    this.y = new Float64Array(d.lon.length);
    this.shade = new Int16Array(d.n); // -1: no value
    this.hatched = null;
  },
  // show colors the cells: at(i) is in 0..1, NaN: no value. photo shows their images.
  show: function (colors, at, hatched, photo) {
    this.colors = colors;
    this.hatched = hatched;
    this.photo = photo;
    for (var i = 0; i < this.d.n; i++) {
      var t = at(i);
      this.shade[i] = t === t ? Math.max(0, Math.min(colors.length - 1, Math.round(t * (colors.length - 1)))) : -1;
    }
    this.redraw();
  },
  getBounds: function () {
    var x = this.d.index;
    return L.latLngBounds([x.south, x.west], [x.north, x.east]);
  },
  _project: function () {
    var d = this.d, b = L.bounds([]);
    for (var k = 0; k < d.lon.length; k++) {
      var p = this._map.latLngToLayerPoint([d.lat[k], d.lon[k]]);
      this.x[k] = p.x;
      this.y[k] = p.y;
      b.extend(p);
    }
    this._pxBounds = L.bounds(b.min.subtract([2, 2]), b.max.add([2, 2]));
  },
  _empty: function () { return false; },
  _containsPoint: function () { return false; },
  _update: function () {},
  _trace: function (ctx, i) {
    var d = this.d, x = this.x, y = this.y, a = d.nw[i], b = d.sw[i];
    ctx.moveTo(x[a], y[a]);
    ctx.lineTo(x[a + 1], y[a + 1]);
    ctx.lineTo(x[b + 1], y[b + 1]);
    ctx.lineTo(x[b], y[b]);
    ctx.closePath();
  },
  _updatePath: function () {
    var r = this._renderer, ctx = r._ctx, d = this.d, i;
    if (!r._drawing || !this.colors) { return; }
    var bounds = r._bounds, groups = {};
    for (i = 0; i < d.n; i++) {
      var a = d.nw[i], b = d.sw[i] + 1;
      if (Math.max(this.x[a], this.x[b]) + 40 < bounds.min.x || Math.min(this.x[a], this.x[b]) - 40 > bounds.max.x ||
          Math.max(this.y[a], this.y[b]) + 40 < bounds.min.y || Math.min(this.y[a], this.y[b]) - 40 > bounds.max.y) { continue; }
      (groups[this.shade[i]] = groups[this.shade[i]] || []).push(i);
    }
    ctx.globalAlpha = 1;
    ctx.lineJoin = 'round';
    ctx.setLineDash([]);
    for (var s in groups) {
      ctx.beginPath();
      groups[s].forEach(function (i) { this._trace(ctx, i); }, this);
      ctx.fillStyle = ctx.strokeStyle = s < 0 ? noValue : this.colors[s];
      ctx.fill();
      ctx.lineWidth = 0.7; // over the seams to cells of another color
      ctx.stroke();
      if (this.photo) { groups[s].forEach(function (i) { this._picture(ctx, i); }, this); }
    }
    // Chromium prints what is drawn before printing as single steps, each with all
    // the images; what was read back it prints as it is.
    if (this.photo && this.printing) { ctx.getImageData(0, 0, 1, 1); }
    if (this.hatched) {
      ctx.beginPath();
      for (i = 0; i < d.n; i++) { if (this.hatched(i)) { this._trace(ctx, i); } }
      ctx.fillStyle = hatching(ctx);
      ctx.fill();
    }
  },
  _picture: function (ctx, i) {
    var f = this.d.photos, img = this.photo, s = f.size, a = this.d.nw[i], b = this.d.sw[i];
    var x = Math.min(this.x[a], this.x[b]), y = Math.min(this.y[a], this.y[a + 1]);
    var w = Math.max(this.x[a + 1], this.x[b + 1]) - x, h = Math.max(this.y[b], this.y[b + 1]) - y;
    ctx.save();
    ctx.beginPath();
    this._trace(ctx, i);
    ctx.clip();
    ctx.drawImage(img, i % f.columns * s, Math.floor(i / f.columns) * s, s, s, x, y, w, h);
    ctx.restore();
  }
});

// hatching is a pattern of lines, dark and light, that shows on every color.
function hatching(ctx) {
  if (!hatching.tile) {
    var t = hatching.tile = document.createElement('canvas'), c = t.getContext('2d');
    t.width = t.height = 8;
    [['#fff', 2.6], ['#222', 1.2]].forEach(function (line) {
      c.strokeStyle = line[0];
      c.lineWidth = line[1];
      c.beginPath();
      [-8, 0, 8].forEach(function (x) { c.moveTo(x - 2, 10); c.lineTo(x + 10, -2); });
      c.stroke();
    });
  }
  return ctx.createPattern(hatching.tile, 'repeat');
}
