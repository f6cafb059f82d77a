// Cornerstone3D as its documentation sets it up: a stack viewport and a volume viewport of 1024², files by `wadouri`.
import {
  Enums,
  RenderingEngine,
  cache,
  cornerstoneStreamingImageVolumeLoader,
  eventTarget,
  imageLoader,
  init as initCore,
  setVolumesForViewports,
  volumeLoader,
} from '@cornerstonejs/core'
import { init as initLoader, wadouri } from '@cornerstonejs/dicom-image-loader'

const view = document.querySelector('#view')
const turn = () => new Promise((resolve) => requestAnimationFrame(resolve))
const event = (target, name) => new Promise((resolve) => target.addEventListener(name, resolve, { once: true }))
// Centre 40 and width 400, as the CT's own preset in Konsil.
const soft = { lower: -160, upper: 240 }
const ids = () => Array.from({ length: window.images }, (_, n) => `wadouri:${location.origin}/ct/${n}`)
const engine = () => new RenderingEngine('bench')

async function start(workers) {
  await initCore()
  initLoader({ maxWebWorkers: workers })
  volumeLoader.registerUnknownVolumeLoader(cornerstoneStreamingImageVolumeLoader)
}

// Nothing of a former click is left, neither images nor files.
function forget() {
  cache.purgeCache()
  wadouri.dataSetCacheManager.purge()
}

// From the click to the first image, and to all images decoded.
async function stack() {
  forget()
  const began = performance.now()
  const rendering = engine()
  rendering.enableElement({ viewportId: 'stack', type: Enums.ViewportType.STACK, element: view })
  const viewport = rendering.getViewport('stack')
  const rendered = event(view, Enums.Events.IMAGE_RENDERED)
  await viewport.setStack(ids(), 0)
  viewport.setProperties({ voiRange: soft })
  viewport.render()
  await rendered
  await turn()
  const first = performance.now() - began
  await Promise.all(ids().map((id) => imageLoader.loadAndCacheImage(id)))
  const whole = performance.now() - began
  window.viewport = viewport
  window.rendering = rendering
  return { first, whole }
}

// From the click to all images decoded and on the GPU.
async function volume() {
  window.rendering?.destroy()
  forget()
  const began = performance.now()
  const rendering = engine()
  rendering.enableElement({
    viewportId: 'volume',
    type: Enums.ViewportType.ORTHOGRAPHIC,
    element: view,
    defaultOptions: { orientation: Enums.OrientationAxis.AXIAL },
  })
  const viewport = rendering.getViewport('volume')
  const made = await volumeLoader.createAndCacheVolume('cornerstoneStreamingImageVolume:ct', { imageIds: ids() })
  const complete = event(eventTarget, Enums.Events.IMAGE_VOLUME_LOADING_COMPLETED)
  made.load()
  await setVolumesForViewports(rendering, [{ volumeId: 'cornerstoneStreamingImageVolume:ct' }], ['volume'])
  viewport.setProperties({ voiRange: soft })
  await complete
  const rendered = event(view, Enums.Events.IMAGE_RENDERED)
  viewport.render()
  await rendered
  await turn()
  window.viewport = viewport
  window.rendering = rendering
  return { whole: performance.now() - began }
}

// Milliseconds from one presented frame to the next, each with one step.
async function steps(kind, count) {
  const { viewport } = window
  await turn()
  const began = performance.now()
  for (let step = 0; step < count; step += 1) {
    const rendered = event(view, Enums.Events.IMAGE_RENDERED)
    if (kind === 'scroll') viewport.scroll(Math.floor(step / 30) % 2 === 0 ? 1 : -1)
    else {
      viewport.setProperties({ voiRange: { lower: soft.lower + step, upper: soft.upper + 2 * step } })
      viewport.render()
    }
    await rendered
    await turn()
  }
  return (performance.now() - began) / count
}

window.bench = { start, stack, volume, steps }
