namespace CellOS.Export.S3.Core

open System
open System.IO
open System.Net
open System.Text
open System.Text.Json

/// The format of a response's body, by its content type and its first characters.
[<RequireQualifiedAccess>]
type BodyFormat =
    /// HTML or XHTML.
    | Html
    /// JSON.
    | Json
    /// XML that is not an S3 error document.
    | Xml
    /// Any other text.
    | Text
    /// Bytes that are not text.
    | Binary

    /// The format with its article, for a sentence.
    member this.InWords =
        match this with
        | Html -> "an HTML page"
        | Json -> "JSON"
        | Xml -> "XML"
        | Text -> "text"
        | Binary -> "binary data"

/// The body of a response that is not an S3 error document.
type ForeignBody = {
    /// Its format.
    Format: BodyFormat
    /// Its visible text on one line, without markup: `ResponseBody.MaxText` characters at most. It may quote the
    /// request.
    VisibleText: string
    /// True if it reports an error or is a page for people, so that no status makes it a success.
    IsError: bool
}

/// The body of a response, as far as it was read.
[<RequireQualifiedAccess>]
type internal ResponseBody =
    /// No body, or white space alone.
    | Empty
    | S3 of S3Error
    | Foreign of ForeignBody

/// Rules that this module keeps:
/// - an S3 error document is one, whatever its content type says;
/// - a page is HTML by its content type, or by its first tag (WHATWG MIME Sniffing, 7.1); without visible characters it
///   is no page: Swift labels an empty body `text/html`;
/// - of a body that broke off or was cut, what is missing may be a page or an error where its beginning or its content type
///   speaks for that;
/// - it takes time in proportion to the body.
[<RequireQualifiedAccess>]
module internal ResponseBody =

    /// The number of characters of a body that are kept at most.
    [<Literal>]
    let MaxText = 2048

    let private decode (body: ReadOnlyMemory<byte>) =
        use reader =
            new StreamReader(
                new MemoryStream(body.ToArray()),
                Encoding.UTF8,
                detectEncodingFromByteOrderMarks = true
            )

        reader.ReadToEnd()

    let private startsWith (start: string) (text: ReadOnlySpan<char>) =
        text.StartsWith(start, StringComparison.OrdinalIgnoreCase)

    let private htmlTags = [|
        "!doctype html"
        "html"
        "head"
        "script"
        "iframe"
        "h1"
        "div"
        "font"
        "table"
        "a"
        "style"
        "title"
        "b"
        "body"
        "br"
        "p"
        "meta"
        "center"
        "noscript"
    |]

    /// The text without white space, comments and an XML declaration at its start.
    let rec private fromFirstTag (text: string) (first: int) : int =
        let rest = text.AsSpan(first).TrimStart()
        let at = text.Length - rest.Length

        let behind (stop: string) =
            match text.IndexOf(stop, at, StringComparison.Ordinal) with
            | -1 -> text.Length
            | i -> fromFirstTag text (i + stop.Length)

        if rest.StartsWith "<!--" then behind "-->"
        elif rest.StartsWith "<?xml" then behind "?>"
        else at

    let private beginsAsHtml (text: string) =
        let at = fromFirstTag text 0

        at < text.Length
        && text[at] = '<'
        && htmlTags
           |> Array.exists (fun tag ->
               let rest = text.AsSpan(at + 1)

               startsWith tag rest
               && (rest.Length = tag.Length
                   || Char.IsWhiteSpace rest[tag.Length]
                   || rest[tag.Length] = '>'
                   || rest[tag.Length] = '/'))

    /// The index behind a comment, a script or a style sheet that begins at `at`; -1 if none does.
    let private behindInvisible (markup: string) (at: int) =
        let find (stop: string) =
            match markup.IndexOf(stop, at, StringComparison.OrdinalIgnoreCase) with
            | -1 -> markup.Length
            | i -> i

        let rest = markup.AsSpan at

        if startsWith "<!--" rest then min markup.Length (find "-->" + 3)
        elif startsWith "<script" rest then find "</script"
        elif startsWith "<style" rest then find "</style"
        else -1

    /// The text of HTML or XML without its markup.
    let private withoutMarkup (markup: string) =
        let text = StringBuilder()
        let mutable i = 0

        while i < markup.Length do
            match markup[i] with
            | '<' ->
                match behindInvisible markup i with
                | -1 ->
                    let stop = markup.IndexOf('>', i)
                    i <- if stop < 0 then markup.Length else stop + 1
                | behind -> i <- behind

                text.Append ' ' |> ignore
            | c ->
                text.Append c |> ignore
                i <- i + 1

        nonNull (WebUtility.HtmlDecode(text.ToString()))

    /// The text on one line, with single blanks, `MaxText` characters at most.
    let private visible (text: string) =
        let line = StringBuilder()

        for rune in text.EnumerateRunes() do
            if line.Length < MaxText then
                if Rune.IsWhiteSpace rune || Check.isHidden rune then
                    if line.Length > 0 && line[line.Length - 1] <> ' ' then
                        line.Append ' ' |> ignore
                else
                    line.Append(rune.ToString()) |> ignore

        line.ToString().TrimEnd()

    /// True if the value of an error member says that there is an error.
    let private isSet (value: JsonElement) =
        match value.ValueKind with
        | JsonValueKind.Null
        | JsonValueKind.False
        | JsonValueKind.Undefined -> false
        | JsonValueKind.String -> value.GetRawText() <> "\"\""
        | JsonValueKind.Number -> value.GetRawText() <> "0"
        | JsonValueKind.Array -> value.GetArrayLength() > 0
        | _ -> true

    /// True if the top level of the document has a member that reports an error, or may have one behind where it breaks
    /// off.
    let private jsonIsError (isWhole: bool) (text: string) =
        try
            use document = JsonDocument.Parse text

            document.RootElement.ValueKind = JsonValueKind.Object
            && document.RootElement.EnumerateObject()
               |> Seq.exists (fun property ->
                   match property.Name.ToLowerInvariant() with
                   | "error"
                   | "errors"
                   | "fault" -> isSet property.Value
                   | "success" -> property.Value.ValueKind = JsonValueKind.False
                   | _ -> false)
        with
        // Not JSON, or half of a surrogate pair.
        | :? JsonException
        | :? InvalidOperationException
        | :? ArgumentException -> not isWhole

    /// The root elements of other dialects' error documents.
    let private isErrorRoot (root: string) =
        match root.ToLowerInvariant() with
        | "error"
        | "errors"
        | "errorresponse"
        | "fault" -> true
        | _ -> false

    /// True if there are control characters among the first ones, as in compressed data.
    let private isBinary (text: string) =
        text
        |> Seq.truncate 512
        |> Seq.exists (fun c -> Char.IsControl c && not (Char.IsWhiteSpace c))

    let private mediaTypeHas (word: string) (contentType: string option) =
        match contentType with
        | Some contentType ->
            let mediaType = contentType.Split(';')[0]
            mediaType.Contains(word, StringComparison.OrdinalIgnoreCase)
        | None -> false

    let private foreign format text isError =
        ResponseBody.Foreign {
            Format = format
            VisibleText = text
            IsError = isError
        }

    let private readText
        (contentType: string option)
        (body: ReadOnlyMemory<byte>)
        (isWhole: bool)
        (parts: XmlParts)
        =
        let text = decode body
        let start = text.AsSpan().TrimStart()

        if start.IsEmpty && (isWhole || not (mediaTypeHas "html" contentType)) then
            ResponseBody.Empty
        elif mediaTypeHas "html" contentType || beginsAsHtml text then
            foreign BodyFormat.Html (visible (withoutMarkup text)) true
        elif start[0] = '{' || start[0] = '[' || mediaTypeHas "json" contentType then
            foreign BodyFormat.Json (visible text) (jsonIsError isWhole text)
        elif parts.Root <> "" || mediaTypeHas "xml" contentType then
            foreign BodyFormat.Xml (visible (withoutMarkup text)) (isErrorRoot parts.Root)
        elif isBinary text then
            foreign BodyFormat.Binary "" false
        else
            foreign BodyFormat.Text (visible text) false

    /// Reads the beginning of a body (at most `S3Error.MaxBytes`) with the given content type. `isWhole` says whether it
    /// is all of the body.
    let read (contentType: string option) (body: ReadOnlyMemory<byte>) (isWhole: bool) : ResponseBody =
        if body.IsEmpty && isWhole then
            ResponseBody.Empty
        else
            let body = body.Slice(0, min body.Length S3Error.MaxBytes)
            let parts = S3Error.parts body

            match S3Error.ofParts parts with
            | Some error -> ResponseBody.S3 error
            | None -> readText contentType body isWhole parts
