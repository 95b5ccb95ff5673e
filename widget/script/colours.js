/* From one accent colour, everything that must stay readable on it and beside it (WCAG: 4.5 to 1). */
const DEFAULT_ACCENT = "#4f46e5";
const READABLE = 4.5;
const SURFACES = { light: [255, 255, 255], dark: [24, 26, 31] };
const BUBBLES = { light: [241, 242, 244], dark: [41, 44, 51] };
const WHITE = [255, 255, 255];
const BLACK = [16, 18, 22];

function accentColours(accent, theme) {
  const base = channels(accent) ?? channels(DEFAULT_ACCENT);
  const on = contrast(base, WHITE) >= READABLE || contrast(base, WHITE) >= contrast(base, BLACK) ? WHITE : BLACK;
  const away = on === WHITE ? BLACK : WHITE;
  return {
    "--accent": css(base),
    "--accent-deep": css(mix(base, away, 0.16)),
    "--on-accent": css(on),
    "--accent-ink": css(readable(base, BUBBLES[theme], theme)),
    "--accent-tint": css(mix(base, SURFACES[theme], theme === "dark" ? 0.8 : 0.91)),
  };
}

/* The accent moved towards black or white until it can be read on `surface`. */
function readable(colour, surface, theme) {
  const goal = theme === "dark" ? WHITE : BLACK;
  let share = 0;
  while (share < 1 && contrast(mix(colour, goal, share), surface) < READABLE) share += 0.05;
  return mix(colour, goal, share);
}

/* Only #rgb and #rrggbb: the value comes from a form somebody filled in and goes into a style. */
function channels(colour) {
  const match = /^#(?:([\da-f]{2})([\da-f]{2})([\da-f]{2})|([\da-f])([\da-f])([\da-f]))$/i.exec(colour ?? "");
  if (!match) return null;
  const hex = match[1] ? match.slice(1, 4) : match.slice(4, 7).map((digit) => digit + digit);
  return hex.map((pair) => parseInt(pair, 16));
}

function mix(from, to, share) {
  return from.map((value, index) => value + (to[index] - value) * share);
}

function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour) {
  const [red, green, blue] = colour.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function css(colour) {
  return `rgb(${colour.map(Math.round).join(" ")})`;
}
