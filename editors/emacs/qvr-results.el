;;; qvr-results.el --- A posterior as text in Emacs  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; A buffer with one line for each value of a posterior.  It needs no server: `qvr-eglot' hands it answers.

;;; Code:

(require 'cl-lib)
(require 'subr-x)

(declare-function qvr-results "qvr-eglot")
(declare-function qvr-report "qvr-eglot")
(declare-function qvr-run "qvr-eglot")
(declare-function qvr-stop "qvr-eglot")

(defvar-local qvr-results-model nil
  "The buffer of the model that was run.")

(defvar-local qvr-results-program nil
  "The program that was run.")

(defconst qvr-results-bars "▁▂▃▄▅▆▇█"
  "The bars of a small histogram, from the lowest.")

(defvar qvr-results-mode-map
  (let ((map (make-sparse-keymap)))
    (define-key map "r" #'qvr-run)
    (define-key map "k" #'qvr-stop)
    (define-key map "o" #'qvr-report)
    (define-key map (kbd "RET") #'qvr-results-visit)
    map)
  "Keys of `qvr-results-mode'.")

(define-derived-mode qvr-results-mode special-mode "QVR-Results"
  "A posterior: one line for each value.

\\{qvr-results-mode-map}"
  (setq-local revert-buffer-function
              (lambda (&rest _) (qvr-results qvr-results-program))))

(defun qvr-results-show (model program answer &optional changed)
  "Show ANSWER, the result of PROGRAM of the buffer MODEL, in a window.
CHANGED has what has changed since, \"model\" or \"data\" or both."
  (let ((buffer (get-buffer-create (format "*QVR %s*" (plist-get answer :program)))))
    (with-current-buffer buffer
      (unless (derived-mode-p 'qvr-results-mode) (qvr-results-mode))
      (setq qvr-results-model model
            qvr-results-program (or program (plist-get answer :program)))
      (let ((inhibit-read-only t)
            (line (line-number-at-pos)))
        (erase-buffer)
        (insert (qvr-results-text answer changed))
        (goto-char (point-min))
        (forward-line (1- line))))
    (display-buffer buffer)
    buffer))

(defun qvr-results-headline (answer &optional changed)
  "One line that says what ANSWER is, and what has CHANGED since."
  (format "%s: %d × %d draws, %d divergences%s"
          (plist-get answer :program) (plist-get answer :chains) (plist-get answer :draws)
          (plist-get answer :divergences)
          (if changed (format "; changed since: %s" (string-join changed ", ")) "")))

(defun qvr-results-text (answer &optional changed)
  "ANSWER as the lines of a table; above them what CHANGED and what is wrong."
  (let* ((rows (cl-loop for (name site) on (plist-get answer :sites) by #'cddr
                        append (qvr-results--rows (substring (symbol-name name) 1) site
                                                  (plist-get answer :labels))))
         (columns (cons '("" "mean" "sd" "5 %" "95 %" "ESS" "R̂" "") rows))
         (widths (cl-loop for column below 7
                          collect (apply #'max (mapcar (lambda (row) (string-width (nth column row)))
                                                       columns)))))
    (concat
     (propertize (qvr-results-headline answer changed) 'face 'bold) "\n"
     (mapconcat (lambda (trouble) (propertize (concat "! " (plist-get trouble :message) "\n") 'face 'warning))
                (plist-get answer :troubles) "")
     "\n"
     (mapconcat (lambda (row) (qvr-results--line row widths)) columns "\n")
     "\n")))

(defun qvr-results--line (row widths)
  "ROW with its cells as wide as WIDTHS, the first one to the left."
  (string-trim-right
   (mapconcat #'identity
              (cl-loop for cell in row
                       for column from 0
                       for width = (nth column widths)
                       for blanks = (and width (make-string (- width (string-width cell)) ?\s))
                       collect (cond ((null width) cell)
                                     ((zerop column) (concat cell blanks))
                                     (t (concat blanks cell))))
              "  ")))

(defun qvr-results--rows (name site &optional labels)
  "A row for each element of SITE, whose name is NAME.
LABELS has what the elements of objects are called."
  (let ((shape (append (plist-get site :shape) nil))
        (axes (append (plist-get site :axes) nil))
        (count (length (plist-get site :mean))))
    (cl-loop for place below count
             collect (append
                      (list (concat name (qvr-results--index place shape axes labels)))
                      (cl-loop for figure in '(:mean :sd :q5 :q95)
                               collect (qvr-results--number (elt (plist-get site figure) place)))
                      (if (zerop place)
                          (list (qvr-results--number (plist-get site :ess) "%.0f")
                                (qvr-results--number (plist-get site :r_hat) "%.3f")
                                (if (= count 1) (qvr-results--shape (plist-get site :histogram)) ""))
                        (list "" "" ""))))))

(defun qvr-results--index (place shape &optional axes labels)
  "The subscripts of the element at PLACE of an array of SHAPE over AXES.
They are names where LABELS has some for an axis, else count from 1.
The last one runs fastest."
  (if (null shape)
      ""
    (let ((indices nil)
          (named nil)
          (objects (reverse axes)))
      (dolist (size (reverse shape))
        (let* ((object (pop objects))
               (own (and object (plist-get labels (intern (concat ":" object)))))
               (label (and own (= (length own) size) (elt own (% place size)))))
          (when label (setq named t))
          (push (or label (number-to-string (1+ (% place size)))) indices))
        (setq place (/ place size)))
      (concat "[" (qvr-results--shortened (string-join indices (if named ", " ","))) "]"))))

(defun qvr-results--shortened (name)
  "NAME without its middle where it is longer than forty characters."
  (if (<= (length name) 40)
      name
    (concat (substring name 0 26) "…" (substring name -13))))

(defun qvr-results--number (number &optional form)
  "NUMBER in FORM, by default with three digits; nothing where it is unknown."
  (cond ((not (numberp number)) "")
        (form (format form number))
        ((or (zerop number) (<= 0.001 (abs number) 99999)) (format "%.3f" number))
        (t (format "%.3g" number))))

(defun qvr-results--shape (histogram)
  "The draws of HISTOGRAM as bars."
  (let* ((counts (append (and (listp histogram) (plist-get histogram :counts)) nil))
         (bins (length counts))
         (merged (and (> bins 0)
                      (cl-loop for bar below (min 8 bins)
                               collect (apply #'+ (cl-subseq counts (/ (* bar bins) (min 8 bins))
                                                             (/ (* (1+ bar) bins) (min 8 bins)))))))
         (most (apply #'max 1 merged)))
    (mapconcat (lambda (count) (string (aref qvr-results-bars (/ (* 7 count) most)))) merged "")))

(defun qvr-results-visit ()
  "Go to the line of the model where the value at point is bound."
  (interactive nil qvr-results-mode)
  (let ((name (save-excursion
                (beginning-of-line)
                (and (looking-at "[^][ \t\n]+") (match-string-no-properties 0))))
        (model qvr-results-model))
    (unless (and name (buffer-live-p model))
      (user-error "There is no value on this line"))
    (pop-to-buffer model)
    (goto-char (point-min))
    (unless (re-search-forward
             (concat "^[ \t]*\\(?:\\(?:sample\\|let\\|marginalize\\|score\\)[ \t]+\\)?\\("
                     (regexp-quote name) "\\)\\_>")
             nil t)
      (user-error "%s is not bound here any more" name))
    (goto-char (match-beginning 1))))

(provide 'qvr-results)
;;; qvr-results.el ends here
