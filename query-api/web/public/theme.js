// Runs before the first paint, as a file of its own because the content security policy refuses inline scripts.
(function () {
  var theme = null;
  try {
    theme = localStorage.getItem('airshed.theme');
  } catch (_) {
    // Storage is refused: the system's setting holds.
  }
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
})();
