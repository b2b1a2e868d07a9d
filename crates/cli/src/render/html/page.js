// Opens the target of a link, all steps on request, and all steps for printing. The page works without this script.
(() => {
  const folds = [...document.querySelectorAll("details")];
  const reveal = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    const fold = target && target.closest("details");
    if (fold && !fold.open) {
      fold.open = true;
      fold.scrollIntoView();
    }
  };
  addEventListener("hashchange", reveal);
  document.addEventListener("click", (event) => {
    if (event.target.closest('a[href^="#"]')) setTimeout(reveal);
  });
  reveal();

  const tools = document.getElementById("tools");
  if (tools) {
    tools.hidden = false;
    const all = (open) => () => folds.forEach((fold) => { fold.open = open; });
    tools.querySelector(".open").addEventListener("click", all(true));
    tools.querySelector(".close").addEventListener("click", all(false));
  }

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = folds.filter((fold) => !fold.open);
    opened.forEach((fold) => { fold.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach((fold) => { fold.open = false; }));
})();
