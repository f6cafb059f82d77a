/** What the tests' page lacks: happy-dom draws nothing and has nothing to observe. */
import { configure } from '@testing-library/react';

// A second is soon over on a machine that does much else.
configure({ asyncUtilTimeout: 10_000 });

globalThis.ResizeObserver = class {
  observe() {
    return undefined;
  }
  unobserve() {
    return undefined;
  }
  disconnect() {
    return undefined;
  }
};
