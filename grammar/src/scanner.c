/*
 * Layout: where a statement ends, where a block opens and closes, and which brackets are open.
 *
 * Everything here is decided from the text alone, never from what the parser expects, so that an
 * error in one place cannot change the layout of another and an incremental parse sees the same
 * tokens as a fresh one. Three rules make half-typed text harmless:
 *
 *   - a line that starts with a declaration's keyword ends every open bracket and every block;
 *   - a line that starts as a step does (`sample`, `observe`, …, `x <- …`, `x : A <- …`) ends
 *     every open bracket;
 *   - only the line after a `program` or `marginalize` header opens a block; elsewhere a line that
 *     is indented too far is a line of the block it stands in (quivers/syntax says so).
 *
 * At the end of a line the scanner looks ahead to the next line with content and emits, all of no
 * width and in this order: `dedent` for each block that ends, then `indent` or `newline`. After
 * that `line_break`, an extra, takes up the line ending and the blank lines after it. A comment that
 * stands further left than its block belongs to the block when the next content does.
 */

#include "tree_sitter/parser.h"

#include <stdlib.h>
#include <string.h>

enum Token {
    NEWLINE,
    INDENT,
    DEDENT,
    LINE_BREAK,
    OPEN_PARENTHESIS,
    CLOSE_PARENTHESIS,
    OPEN_BRACKET,
    CLOSE_BRACKET,
};

/* How a line starts. */
enum Start { OTHER, STEP, DECLARATION, END_OF_FILE };

/* The block that a line's header opens. */
enum Header { NO_HEADER, PROGRAM_HEADER, MARGINALIZE_HEADER };

enum { MOST_BLOCKS = 64, TAB_WIDTH = 4, LONGEST_KEYWORD = 11, MOST_COLUMNS = 0xFFFF };

typedef struct {
    uint8_t start;   /* enum Start */
    uint8_t header;  /* enum Header */
    uint16_t column;
} Line;

typedef struct {
    uint32_t brackets;        /* how many are open */
    uint8_t started;          /* whether the first line has been seen */
    uint8_t breaking;         /* the line ending ahead has been dealt with and only needs taking up */
    uint8_t header;           /* enum Header of the current line */
    uint8_t ahead_known;      /* `ahead` describes the next line with content, seen past comments */
    Line ahead;
    uint8_t blocks;           /* how many are open */
    uint16_t columns[MOST_BLOCKS + 1]; /* of each open block; columns[0] is the file's, 0 */
} Scanner;

static bool is_line_end(int32_t c) { return c == '\n' || c == '\r'; }

static bool is_space(int32_t c) {
    return c == ' ' || c == '\t' || c == '\f' || c == 0x0B || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
           c == 0x3000 || c == 0xFEFF;
}

static bool is_word(int32_t c) {
    if (c < 0x80) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    }
    return !is_space(c) && c != 0x2190 && c != 0x2192 && c != 0x2297 && c != 0x2260 && c != 0x2264 &&
           c != 0x2265;
}

static void skip_spaces(TSLexer *lexer) {
    while (is_space(lexer->lookahead)) lexer->advance(lexer, true);
}

/* Advance over the line endings, blank lines and indentation ahead; give the column reached. */
static uint16_t skip_to_content(TSLexer *lexer) {
    uint32_t column = 0;
    for (;;) {
        int32_t c = lexer->lookahead;
        if (is_line_end(c)) {
            column = 0;
        } else if (c == '\t') {
            column += TAB_WIDTH - column % TAB_WIDTH;
        } else if (is_space(c)) {
            column += 1;
        } else {
            return (uint16_t)(column < MOST_COLUMNS ? column : MOST_COLUMNS);
        }
        lexer->advance(lexer, false);
    }
}

/* Whether an arrow (`<-`, `←`, or `~`, which people write for it) may start with this character. */
static bool starts_arrow(int32_t c) { return c == '~' || c == 0x2190 || c == '<'; }

static bool is_arrow(TSLexer *lexer) {
    if (lexer->lookahead != '<') return true;
    lexer->advance(lexer, false);
    return lexer->lookahead == '-';
}

/* Whether a line that starts with a word goes on as `x <- …` or `x : A * B <- …` do. */
static bool goes_on_as_draw(TSLexer *lexer) {
    while (is_space(lexer->lookahead)) lexer->advance(lexer, false);
    if (starts_arrow(lexer->lookahead)) return is_arrow(lexer);
    if (lexer->lookahead != ':') return false;
    for (;;) {
        lexer->advance(lexer, false);
        if (starts_arrow(lexer->lookahead)) return is_arrow(lexer);
        int32_t c = lexer->lookahead;
        if (!(is_space(c) || is_word(c) || c == '*' || c == 0x2297) || lexer->eof(lexer)) return false;
    }
}

/* Read how the line that starts here starts. */
static Line read_line(TSLexer *lexer, uint16_t column) {
    static const struct {
        const char *word;
        uint8_t start, header;
    } keywords[] = {
        {"object", DECLARATION, NO_HEADER},   {"data", DECLARATION, NO_HEADER},
        {"program", DECLARATION, PROGRAM_HEADER}, {"define", DECLARATION, NO_HEADER},
        {"export", DECLARATION, NO_HEADER},   {"sample", STEP, NO_HEADER},
        {"observe", STEP, NO_HEADER},         {"let", STEP, NO_HEADER},
        {"marginalize", STEP, MARGINALIZE_HEADER}, {"score", STEP, NO_HEADER},
        {"return", STEP, NO_HEADER},
    };
    Line line = {OTHER, NO_HEADER, column};
    char word[LONGEST_KEYWORD + 1];
    uint32_t length = 0;

    if (lexer->eof(lexer)) {
        line.start = END_OF_FILE;
        return line;
    }
    while (is_word(lexer->lookahead) && !lexer->eof(lexer)) {
        if (length < LONGEST_KEYWORD) word[length] = lexer->lookahead < 0x80 ? (char)lexer->lookahead : '?';
        length++;
        lexer->advance(lexer, false);
    }
    if (length == 0) return line;
    if (length <= LONGEST_KEYWORD) {
        word[length] = '\0';
        for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
            if (strcmp(word, keywords[i].word) == 0) {
                line.start = keywords[i].start;
                line.header = keywords[i].header;
                return line;
            }
        }
    }
    if (goes_on_as_draw(lexer)) line.start = STEP;
    return line;
}

static Line next_line(TSLexer *lexer, uint16_t column) {
    while (lexer->lookahead == '#' && !lexer->eof(lexer)) {
        while (!is_line_end(lexer->lookahead) && !lexer->eof(lexer)) lexer->advance(lexer, false);
        column = skip_to_content(lexer);
    }
    return read_line(lexer, column);
}

/* Whether `line`, coming next, opens the block of the header above it. */
static bool opens_block(const Scanner *scanner, Line line) {
    if (line.start == DECLARATION || line.start == END_OF_FILE || scanner->blocks == MOST_BLOCKS) {
        return false;
    }
    switch (scanner->header) {
        case PROGRAM_HEADER: return line.start == STEP || line.column > 0;
        case MARGINALIZE_HEADER: return line.column > scanner->columns[scanner->blocks];
        default: return false;
    }
}

/* How many blocks stay open around `line`, coming next. */
static uint8_t blocks_around(const Scanner *scanner, Line line) {
    if (line.start == DECLARATION || line.start == END_OF_FILE) return 0;
    uint8_t blocks = scanner->blocks;
    while (blocks > 0 && scanner->columns[blocks] > line.column) blocks--;
    bool inside = line.start == STEP || line.column > 0;
    return blocks == 0 && scanner->blocks > 0 && inside ? 1 : blocks;
}

static bool dedent(Scanner *scanner, TSLexer *lexer) {
    scanner->blocks--;
    scanner->brackets = 0;
    scanner->header = NO_HEADER;
    lexer->result_symbol = DEDENT;
    return true;
}

/* Take up the line ending ahead and the blank lines after it. */
static bool line_break(Scanner *scanner, TSLexer *lexer) {
    while (is_line_end(lexer->lookahead) || is_space(lexer->lookahead)) {
        bool ends = is_line_end(lexer->lookahead);
        lexer->advance(lexer, false);
        if (ends) lexer->mark_end(lexer);
    }
    scanner->breaking = 0;
    lexer->result_symbol = LINE_BREAK;
    return true;
}

/* Leave the line ending ahead for the next call. */
static bool line_break_later(Scanner *scanner, TSLexer *lexer) {
    scanner->breaking = 1;
    lexer->result_symbol = LINE_BREAK;
    return true;
}

static bool end_of_line(Scanner *scanner, TSLexer *lexer) {
    lexer->mark_end(lexer);
    uint16_t column = skip_to_content(lexer);
    bool comment = lexer->lookahead == '#' && !lexer->eof(lexer);

    if (comment && (scanner->brackets > 0 || scanner->blocks == 0 ||
                    column >= scanner->columns[scanner->blocks])) {
        lexer->mark_end(lexer);
        lexer->result_symbol = LINE_BREAK;
        return true;
    }

    Line line = comment && scanner->ahead_known ? scanner->ahead : next_line(lexer, column);
    if (scanner->brackets > 0 && line.start == OTHER) return line_break_later(scanner, lexer);
    scanner->brackets = 0;

    bool opens = opens_block(scanner, line);
    if (!opens && blocks_around(scanner, line) < scanner->blocks) return dedent(scanner, lexer);
    if (comment) {
        scanner->ahead = line;
        scanner->ahead_known = 1;
        return line_break_later(scanner, lexer);
    }
    scanner->ahead_known = 0;
    memset(&scanner->ahead, 0, sizeof scanner->ahead);
    if (line.start == END_OF_FILE) return line_break_later(scanner, lexer);
    scanner->header = line.header;
    scanner->breaking = 1;
    scanner->started = 1;
    if (opens) scanner->columns[++scanner->blocks] = line.column;
    lexer->result_symbol = opens ? INDENT : NEWLINE;
    return true;
}

static bool scan(Scanner *scanner, TSLexer *lexer) {
    skip_spaces(lexer);
    if (lexer->eof(lexer)) {
        lexer->mark_end(lexer);
        return scanner->blocks > 0 && dedent(scanner, lexer);
    }
    if (is_line_end(lexer->lookahead)) {
        return scanner->breaking ? line_break(scanner, lexer) : end_of_line(scanner, lexer);
    }
    if (lexer->lookahead == '#') return false;
    if (!scanner->started) {
        lexer->mark_end(lexer);
        scanner->header = read_line(lexer, 0).header;
        scanner->started = 1;
        lexer->result_symbol = NEWLINE;
        return true;
    }
    switch (lexer->lookahead) {
        case '(': lexer->result_symbol = OPEN_PARENTHESIS; break;
        case '[': lexer->result_symbol = OPEN_BRACKET; break;
        case ')': lexer->result_symbol = CLOSE_PARENTHESIS; break;
        case ']': lexer->result_symbol = CLOSE_BRACKET; break;
        default: return false;
    }
    bool opening = lexer->lookahead == '(' || lexer->lookahead == '[';
    if (opening && scanner->brackets < UINT32_MAX) scanner->brackets++;
    if (!opening && scanner->brackets > 0) scanner->brackets--;
    lexer->advance(lexer, false);
    lexer->mark_end(lexer);
    return true;
}

/* ------------------------------------------------------------------ what tree-sitter calls */

void *tree_sitter_qvr_external_scanner_create(void) { return calloc(1, sizeof(Scanner)); }

void tree_sitter_qvr_external_scanner_destroy(void *payload) { free(payload); }

bool tree_sitter_qvr_external_scanner_scan(void *payload, TSLexer *lexer, const bool *valid_symbols) {
    (void)valid_symbols;
    return scan(payload, lexer);
}

unsigned tree_sitter_qvr_external_scanner_serialize(void *payload, char *buffer) {
    const Scanner *scanner = payload;
    uint8_t *out = (uint8_t *)buffer;
    unsigned size = 0;
    for (int shift = 0; shift < 32; shift += 8) out[size++] = (uint8_t)(scanner->brackets >> shift);
    out[size++] = scanner->started;
    out[size++] = scanner->breaking;
    out[size++] = scanner->header;
    out[size++] = scanner->ahead_known;
    out[size++] = scanner->ahead.start;
    out[size++] = scanner->ahead.header;
    out[size++] = (uint8_t)(scanner->ahead.column & 0xFF);
    out[size++] = (uint8_t)(scanner->ahead.column >> 8);
    for (unsigned i = 1; i <= scanner->blocks; i++) {
        out[size++] = (uint8_t)(scanner->columns[i] & 0xFF);
        out[size++] = (uint8_t)(scanner->columns[i] >> 8);
    }
    return size; /* at most 12 + 2 * MOST_BLOCKS = 140 bytes, of TREE_SITTER_SERIALIZATION_BUFFER_SIZE = 1024 */
}

void tree_sitter_qvr_external_scanner_deserialize(void *payload, const char *buffer, unsigned length) {
    Scanner *scanner = payload;
    memset(scanner, 0, sizeof *scanner);
    if (length < 12) return;
    const uint8_t *in = (const uint8_t *)buffer;
    unsigned at = 0;
    for (int shift = 0; shift < 32; shift += 8) scanner->brackets |= (uint32_t)in[at++] << shift;
    scanner->started = in[at++];
    scanner->breaking = in[at++];
    scanner->header = in[at++];
    scanner->ahead_known = in[at++];
    scanner->ahead.start = in[at++];
    scanner->ahead.header = in[at++];
    scanner->ahead.column = (uint16_t)(in[at] | in[at + 1] << 8);
    at += 2;
    while (at + 1 < length && scanner->blocks < MOST_BLOCKS) {
        scanner->columns[++scanner->blocks] = (uint16_t)(in[at] | in[at + 1] << 8);
        at += 2;
    }
}
