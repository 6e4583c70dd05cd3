// The look of the panel, in ComfyUI's own colours.

export const STYLE = `
.kling26-panel {
  --kling26-line: var(--border-color, #4e4e4e);
  --kling26-field: var(--comfy-input-bg, #222);
  box-sizing: border-box; overflow-x: clip; padding: 10px 12px;
  display: flex; flex-direction: column; gap: 10px;
  font: 13px/1.4 Inter, Arial, sans-serif; color: var(--input-text, #ddd);
}
.kling26-panel * { box-sizing: border-box; }
.kling26-panel h2 { margin: 0; font-size: 15px; font-weight: 600; }
.kling26-panel p, .kling26-panel ul, .kling26-panel dl, .kling26-panel dd { margin: 0; padding: 0; }
.kling26-panel ul { list-style: none; }
.kling26-panel [hidden] { display: none; }
.kling26-panel input, .kling26-panel select, .kling26-button {
  font: inherit; color: inherit; min-width: 0; padding: 3px 8px; border-radius: 6px;
  border: 1px solid var(--kling26-line); background: var(--kling26-field);
}
.kling26-button { cursor: pointer; font-size: 12px; line-height: 18px; text-decoration: none; }
.kling26-button:hover { border-color: currentColor; }
.kling26-panel a.kling26-button { display: inline-block; color: inherit; }
.kling26-panel :is(button, a, input, select, ul, video):focus-visible {
  outline: 2px solid #3b82f6; outline-offset: 1px;
}
.kling26-yes { font-weight: 600; }
.kling26-panel .kling26-error {
  padding: 4px 8px; border-left: 3px solid #e06c65; overflow-wrap: anywhere; white-space: pre-line;
}
.kling26-error .kling26-button { margin: 4px 0 0 6px; }
.kling26-waiting {
  display: flex; flex-wrap: wrap; gap: 6px; align-items: center; justify-content: space-between;
  padding: 6px 8px; border-left: 3px solid #5fb878; background: var(--kling26-field);
}

.kling26-spending { display: grid; gap: 8px; justify-items: start; }
.kling26-sums { display: flex; flex-wrap: wrap; gap: 4px 20px; }
.kling26-sums dt { font-size: 12px; }
.kling26-sums dd { font-size: 16px; font-weight: 600; }
.kling26-budget { display: grid; gap: 6px; width: 100%; }
.kling26-budget p { font-size: 12px; }
.kling26-meter, .kling26-bar {
  height: 6px; border-radius: 3px; overflow: hidden; background: var(--kling26-field);
  border: 1px solid var(--kling26-line);
}
.kling26-meter span, .kling26-bar span { display: block; height: 100%; background: #3b82f6; }
.kling26-meter[data-full="soon"] span { background: #d19a2a; }
.kling26-meter[data-full="yes"] span { background: #e06c65; }
.kling26-question {
  display: flex; flex-wrap: wrap; gap: 6px; align-items: center; width: 100%;
  padding: 8px; border: 1px solid var(--kling26-line); border-radius: 6px;
}
.kling26-question p, .kling26-question > .kling26-box { flex: 1 0 100%; overflow-wrap: anywhere; }
.kling26-limit { flex: 1 0 100%; display: grid; gap: 4px; }
.kling26-question label {
  display: flex; flex-wrap: wrap; gap: 4px 8px; align-items: center;
  justify-content: space-between;
}
.kling26-question label input { width: 90px; }

.kling26-balances li { display: flex; gap: 8px; align-items: baseline; }
.kling26-amount { margin-left: auto; text-align: right; overflow-wrap: anywhere; }
.kling26-icon {
  font: inherit; color: inherit; cursor: pointer; padding: 0 4px; border: none; border-radius: 4px;
  background: none;
}
.kling26-icon[aria-busy] { opacity: 0.6; }

.kling26-tasks { display: grid; gap: 8px; }
.kling26-filters { display: grid; grid-template-columns: 1fr 1fr; gap: 6px; }
.kling26-filters > [type="search"], .kling26-filters > label { grid-column: 1 / -1; }
.kling26-filters label { display: flex; gap: 6px; align-items: center; font-size: 12px; }
.kling26-count { font-size: 12px; }
.kling26-more {
  display: flex; flex-wrap: wrap; gap: 4px 8px; align-items: center; font-size: 12px;
}
.kling26-list { display: block; }
.kling26-task {
  display: grid; grid-template-columns: 96px minmax(0, 1fr); gap: 6px 10px; padding: 10px 0;
  border-top: 1px solid var(--kling26-line);
}
.kling26-long > .kling26-task { content-visibility: auto; contain-intrinsic-size: auto 142px; }
.kling26-task > :not(.kling26-picture, .kling26-about) { grid-column: 1 / -1; }
.kling26-task > :is(p, div):empty { display: none; }
.kling26-picture {
  width: 96px; height: 54px; object-fit: cover; border-radius: 6px; background: #1b1c1f;
}
.kling26-task[data-state="stored"] .kling26-picture { cursor: pointer; }
.kling26-video { width: 100%; max-height: 60vh; border-radius: 6px; background: #000; }
.kling26-about { min-width: 0; }
.kling26-prompt {
  display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden;
  overflow-wrap: anywhere;
}
.kling26-line { font-size: 12px; }
.kling26-state { font-weight: 600; }
.kling26-tag:not(:empty) {
  margin-left: 6px; padding: 0 6px; border: 1px dashed currentColor; border-radius: 8px;
}
.kling26-facts { font-size: 12px; overflow-wrap: anywhere; word-break: keep-all; }
.kling26-told { font-size: 12px; overflow-wrap: anywhere; white-space: pre-line; }
.kling26-buttons, .kling26-below { display: flex; flex-wrap: wrap; gap: 4px; }
.kling26-below > * { flex: 1 0 100%; }
.kling26-bar span { transition: width 1s linear; }
.kling26-going span { width: 30%; animation: kling26-going 1.6s ease-in-out infinite alternate; }
@keyframes kling26-going { to { transform: translateX(233%); } }
@media (prefers-reduced-motion: reduce) {
  .kling26-bar span { transition: none; }
  .kling26-going span { width: 100%; animation: none; opacity: 0.5; }
}
`;
