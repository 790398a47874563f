// color.js: the scales. Viridis stays a scale for the color-blind and in gray print;
// blue to red (ColorBrewer RdBu) keeps too low and too high apart for them as well.
var viridis = ['#440154', '#482878', '#3e4989', '#31688e', '#26828e', '#1f9e89', '#35b779', '#6ece58', '#b5de2b', '#fde725'];
var blueRed = ['#053061', '#2166ac', '#4393c3', '#92c5de', '#d1e5f0', '#f7f7f7', '#fddbc7', '#f4a582', '#d6604d', '#b2182b', '#67001f'];
var noValue = '#cfcfcf';
var shades = 96; // colors of a scale: cells of one color are drawn in one go

function shadesOf(stops) {
  var out = [];
  for (var k = 0; k < shades; k++) {
    var t = k / (shades - 1) * (stops.length - 1), i = Math.min(Math.floor(t), stops.length - 2), color = '#';
    for (var c = 1; c < 7; c += 2) {
      var a = parseInt(stops[i].substr(c, 2), 16), b = parseInt(stops[i + 1].substr(c, 2), 16);
      color += ('0' + Math.round(a + (t - i) * (b - a)).toString(16)).slice(-2);
    }
    out.push(color);
  }
  return out;
}

// number writes an amount as the rest of the page does: three digits or more, with
// commas between thousands.
function number(v) {
  if (v === null || v === undefined || !isFinite(v)) { return '–'; }
  var a = Math.abs(v);
  if (a === 0) { return '0'; }
  if (a >= 1e15 || a < 1e-3) { return v.toExponential(2); }
  if (a < 100) { return String(Number(v.toPrecision(3))); }
  return Math.round(v).toString().replace(/\B(?=(\d{3})+$)/g, ',');
}

// logScale is a scale for amounts: from the smallest to the largest of values but
// for a hundredth at each end, which get the colors of the ends.
function logScale(values) {
  var v = values.filter(function (x) { return x > 0; }).sort(function (a, b) { return a - b; });
  if (!v.length) { v = [1, 10]; }
  var low = v[Math.floor(0.01 * (v.length - 1))], high = v[Math.ceil(0.99 * (v.length - 1))];
  if (!(high > low * 1.2)) { low /= 1.5; high *= 1.5; }
  var a = Math.log(low), b = Math.log(high);
  return {
    colors: shadesOf(viridis),
    at: function (x) { return x > 0 ? (Math.log(x) - a) / (b - a) : x === 0 ? 0 : NaN; },
    ticks: ticks(low, high).map(function (x) { return { value: x, text: number(x) }; })
  };
}

// ticks are 1, 2 and 5 times powers of ten, or the powers alone where those would
// be too many.
function ticks(low, high) {
  var parts = [[1, 2, 5], [1, 3], [1]], out;
  for (var p = 0; p < parts.length; p++) {
    out = [];
    for (var e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++) {
      parts[p].forEach(function (m) {
        var x = Number(m + 'e' + e);
        if (x >= low * 0.999 && x <= high * 1.001) { out.push(x); }
      });
    }
    if (out.length <= 6) { break; }
  }
  return out.length > 1 ? out : [low, high];
}

// ratioScale is for errors: how many times the truth a prediction is, equal in the
// middle, as far down as up.
function ratioScale(values) {
  var v = values.filter(function (x) { return x > 0; }).map(function (x) { return Math.abs(Math.log(x)); }).sort(function (a, b) { return a - b; });
  var reach = Math.max(Math.log(1.5), v.length ? v[Math.floor(0.98 * (v.length - 1))] : 0);
  var all = [1.5, 2, 3, 5, 10, 100, 1000].filter(function (x) { return Math.log(x) <= reach * 1.001; }).slice(-2), marks = [{ value: 1, text: 'equal' }];
  all.forEach(function (x) {
    marks.push({ value: x, text: '× ' + x }, { value: 1 / x, text: '÷ ' + x });
  });
  return {
    colors: shadesOf(blueRed),
    at: function (x) { return x > 0 ? 0.5 + Math.log(x) / reach / 2 : NaN; },
    ticks: marks
  };
}
