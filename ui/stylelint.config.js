/** Colours are named in tokens.css and nowhere else. */
export default {
  extends: ['stylelint-config-standard'],
  rules: {
    'color-no-hex': true,
    'color-named': 'never',
    'function-disallowed-list': ['rgb', 'rgba', 'hsl', 'hsla'],
    'selector-class-pattern': '^[a-z][a-zA-Z0-9]*$|^visually-hidden$',
    'keyframes-name-pattern': null,
    'media-feature-range-notation': null,
    'no-descending-specificity': null,
    'declaration-no-important': null,
    'comment-empty-line-before': null,
    'custom-property-pattern': null,
  },
  overrides: [
    {
      files: ['src/tokens.css'],
      rules: {
        'color-no-hex': null,
        'function-disallowed-list': null,
        'declaration-block-single-line-max-declarations': null,
        'color-function-notation': null,
        'color-function-alias-notation': null,
        'alpha-value-notation': null,
        'color-hex-length': null,
        'rule-empty-line-before': null,
        'custom-property-empty-line-before': null,
        'declaration-empty-line-before': null,
        'at-rule-empty-line-before': null,
        'font-family-name-quotes': null,
        'selector-attribute-quotes': null,
        'function-url-quotes': null,
      },
    },
  ],
};
