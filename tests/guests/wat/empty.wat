;; The smallest component: no imports, no exports.
(component)
