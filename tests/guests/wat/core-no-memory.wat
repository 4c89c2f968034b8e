;; A program without a memory to exchange anything in.
(module
  (func (export "_start")))
