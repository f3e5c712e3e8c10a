;;; qvr-plate.el --- A plate diagram as text in Emacs  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; A buffer with a program's plate diagram, from whose lines `RET' leads to the steps.  It needs no server:
;; `qvr-eglot' hands it answers.

;;; Code:

(declare-function eglot--lsp-position-to-point "eglot")
(declare-function qvr-plate "qvr-eglot")

(defvar-local qvr-plate-model nil
  "The buffer of the model that is drawn.")

(defvar-local qvr-plate-program nil
  "The program that is drawn.")

(defvar qvr-plate-mode-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "RET") #'qvr-plate-visit)
    map)
  "Keys of `qvr-plate-mode'.")

(define-derived-mode qvr-plate-mode special-mode "QVR-Plates"
  "The plate diagram of a program: one line for each node, indented by its plates.

\\{qvr-plate-mode-map}"
  (setq truncate-lines t)
  (setq-local revert-buffer-function (lambda (&rest _) (qvr-plate qvr-plate-program))))

(defun qvr-plate-show (model answer)
  "Show ANSWER, the diagram of a program of the buffer MODEL, in a window."
  (let ((buffer (get-buffer-create (format "*QVR plates of %s*" (plist-get answer :program)))))
    (with-current-buffer buffer
      (unless (derived-mode-p 'qvr-plate-mode) (qvr-plate-mode))
      (setq qvr-plate-model model
            qvr-plate-program (plist-get answer :program))
      (let ((inhibit-read-only t)
            (line (line-number-at-pos)))
        (erase-buffer)
        (insert (plist-get answer :text))
        (mapc #'qvr-plate--place (plist-get answer :nodes))
        (goto-char (point-min))
        (forward-line (1- line))))
    (display-buffer buffer)
    buffer))

(defun qvr-plate--place (node)
  "Note on the line of NODE where its step begins in the model."
  (when (integerp (plist-get node :line))
    (goto-char (point-min))
    (forward-line (plist-get node :line))
    (put-text-property (line-beginning-position) (min (point-max) (1+ (line-end-position)))
                       'qvr-plate-step (plist-get (plist-get node :range) :start))))

(defun qvr-plate-visit ()
  "Go to the step of the model that the line at point shows."
  (interactive nil qvr-plate-mode)
  (let ((step (get-text-property (line-beginning-position) 'qvr-plate-step))
        (model qvr-plate-model))
    (unless (and step (buffer-live-p model))
      (user-error "There is no step on this line"))
    (pop-to-buffer model)
    (goto-char (eglot--lsp-position-to-point step))))

(provide 'qvr-plate)
;;; qvr-plate.el ends here
