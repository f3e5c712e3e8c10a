;;; qvr-input.el --- Input method for the signs of QVR  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; C-u C-\ qvr RET, then \otimes, \to or \mu.  Every sign but Greek can also be typed in ASCII.

;;; Code:

(require 'quail)

(quail-define-package
 "qvr" "QVR" "⊗" t
 "Signs of QVR: \\otimes for ⊗, \\to for →, \\gets for ←, \\le \\ge \\ne, and Greek letters by their names."
 nil t nil nil nil nil nil nil nil nil t)

(quail-define-rules
 ("\\otimes" ?⊗) ("\\ox" ?⊗)
 ("\\to" ?→) ("\\->" ?→) ("\\rightarrow" ?→)
 ("\\gets" ?←) ("\\from" ?←) ("\\<-" ?←) ("\\leftarrow" ?←)
 ("\\le" ?≤) ("\\ge" ?≥) ("\\ne" ?≠)
 ("\\alpha" ?α) ("\\beta" ?β) ("\\gamma" ?γ) ("\\delta" ?δ) ("\\epsilon" ?ε) ("\\zeta" ?ζ) ("\\eta" ?η)
 ("\\theta" ?θ) ("\\iota" ?ι) ("\\kappa" ?κ) ("\\lambda" ?λ) ("\\mu" ?μ) ("\\nu" ?ν) ("\\xi" ?ξ) ("\\pi" ?π)
 ("\\rho" ?ρ) ("\\sigma" ?σ) ("\\tau" ?τ) ("\\upsilon" ?υ) ("\\phi" ?φ) ("\\chi" ?χ) ("\\psi" ?ψ)
 ("\\omega" ?ω) ("\\Gamma" ?Γ) ("\\Delta" ?Δ) ("\\Theta" ?Θ) ("\\Lambda" ?Λ) ("\\Sigma" ?Σ) ("\\Phi" ?Φ)
 ("\\Psi" ?Ψ) ("\\Omega" ?Ω)
 ("\\_0" ?₀) ("\\_1" ?₁) ("\\_2" ?₂) ("\\_3" ?₃) ("\\_4" ?₄)
 ("\\_5" ?₅) ("\\_6" ?₆) ("\\_7" ?₇) ("\\_8" ?₈) ("\\_9" ?₉))

(provide 'qvr-input)
;;; qvr-input.el ends here
