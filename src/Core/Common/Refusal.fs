namespace CellOS.Export.S3.Core

open System
open System.Globalization
open System.Text

/// Why a value was refused: what it was meant to be, what is wrong with it, and what to do.
/// No part of it holds a secret: whatever is quoted from the input went through `Redaction.plain`.
type Refusal = {
    /// What was refused, in the words of the documentation: `cell id`, `upload URL`, …
    Subject: string
    /// What is wrong with it.
    Problem: string
    /// What the operator or the caller can do about it.
    Remedy: string
} with

    /// One sentence for people.
    member this.Message = $"The {this.Subject} {this.Problem}. {this.Remedy}"
    override this.ToString() = this.Message

/// Checks that several kinds of text share.
module internal Check =

    let refuse subject problem remedy =
        Error {
            Subject = subject
            Problem = problem
            Remedy = remedy
        }

    let utf8Length (value: string) = Encoding.UTF8.GetByteCount value

    /// Numbers are the same for every reader, whatever the culture of the process.
    let invariant (text: FormattableString) =
        text.ToString CultureInfo.InvariantCulture

    /// At most this number of characters of a text; no pair of surrogates is cut.
    let shorten (most: int) (value: string) =
        if value.Length <= most then
            value
        elif Char.IsHighSurrogate value[most - 1] then
            value.Substring(0, most - 1) + "…"
        else
            value.Substring(0, most) + "…"

    /// What a terminal would act on or not show, line breaks of every kind among it.
    let isHidden (rune: Rune) =
        match Rune.GetUnicodeCategory rune with
        | UnicodeCategory.Control
        | UnicodeCategory.Format
        | UnicodeCategory.LineSeparator
        | UnicodeCategory.ParagraphSeparator -> true
        | _ -> false

    let private isVisibleAscii (value: string) =
        value.AsSpan().IndexOfAnyExceptInRange(' ', '~') < 0

    /// A text on one line, in which nothing hides: what a terminal would act on or not show is written out.
    let visible (value: string) =
        if isVisibleAscii value then
            value
        else
            let shown = StringBuilder(value.Length)

            for rune in value.EnumerateRunes() do
                shown.Append(if isHidden rune then $"\\u{rune.Value:X4}" else rune.ToString())
                |> ignore

            shown.ToString()

    /// An input that should be a plain name or path, on one line and without secrets: see `Redaction.plain`.
    let plain (value: string) = visible (Redaction.plain value)

    /// At most 60 characters of a text without secrets, visible and in quotation marks.
    let inQuotes (redacted: string) =
        let mutable stop = 0
        let mutable count = 0

        while count < 60 && stop < redacted.Length do
            stop <- stop + (if Char.IsSurrogatePair(redacted, stop) then 2 else 1)
            count <- count + 1

        let more = if stop < redacted.Length then "…" else ""
        $"'{visible (redacted.Substring(0, stop))}{more}'"

    /// At most 60 characters of an input, visible and without secrets, for an error message.
    let quote (value: string) = inQuotes (Redaction.plain value)

    /// The same for a word that is not the name of an artifact, a cell or a store: what looks like a credential is masked.
    let quoteWord (value: string) =
        if CredentialForms.isCredential value then quote Redaction.Mask else quote value

    /// A name that nothing knows, with the mask in place of a word that looks like a credential.
    let word (value: string) =
        CredentialForms.maskWords [] (plain value)

    /// What is wrong with a value that appears in receipts and may be a URL, pasted into the wrong place.
    let urlProblem (value: string) =
        if Redaction.looksLikeUrl value then
            Some $"{quote value} is a URL or a part of one, and would appear in every receipt"
        else
            None

    /// What is wrong with the name of a file that appears in receipts and contains a credential, as that of a page which a
    /// program saved under its URL. Other URLs are names like any.
    let credentialProblem (value: string) =
        if PastedNames.isPasted value then
            Some $"{quote value} contains a credential of a URL, and would appear in every receipt"
        else
            None

    /// The first control character, or the first half of a surrogate pair that lacks the other half
    /// (which has no UTF-8 form, so two different names would become the same key).
    let unprintable (value: string) =
        let rec from i =
            if i >= value.Length then
                None
            elif Char.IsControl value[i] then
                Some $"holds the control character U+%04X{int value[i]} at position {i + 1}"
            elif Char.IsSurrogatePair(value, i) then
                from (i + 2)
            elif Char.IsSurrogate value[i] then
                Some $"holds half of a surrogate pair (U+%04X{int value[i]}) at position {i + 1}"
            else
                from (i + 1)

        if isVisibleAscii value then None else from 0

    /// What keeps a text from being one segment of a path.
    let segmentProblem (value: string) =
        if String.IsNullOrEmpty value then
            Some "is empty"
        elif value = "." || value = ".." then
            Some $"is {quote value}, which a path does not keep"
        else
            match unprintable value with
            | Some problem -> Some problem
            | None when value.Contains '/' -> Some "holds a '/'"
            | None when value.Contains '\\' -> Some "holds a '\\'"
            | None when utf8Length value > 255 ->
                Some $"is {utf8Length value} bytes long in UTF-8; 255 are allowed"
            | None -> None
