namespace CellOS.Export.S3.Core

open System
open System.IO
open System.Net
open System.Text
open System.Text.Json
open System.Xml.Linq

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
    /// request, and is masked when it is shown.
    VisibleText: string
    /// What it says of the upload, where the status is one of success.
    Meaning: BodyMeaning
} with

    /// True if it reports an error or is a page for people.
    member this.IsError = this.Meaning = BodyMeaning.Error

/// How the reading of a response's body ended.
[<RequireQualifiedAccess>]
type BodyEnd =
    /// The whole body was read; it may be empty.
    | Whole
    /// The body is longer than `S3Error.MaxBytes`: the rest was not read.
    | TooLong
    /// The connection broke off, or the body's framing is wrong.
    | BrokenOff
    /// The rest did not arrive in time.
    | Late

/// The body of a response, as far as it was read.
[<RequireQualifiedAccess>]
type internal ResponseBody =
    /// No body, or white space alone.
    | Empty
    | S3 of S3Error
    | Foreign of ForeignBody

/// What is kept of a body.
type internal BodyContent = {
    Body: ResponseBody
    /// The names and texts of the elements of a store's result document that are about the object.
    Result: (string * string) list
    /// True if its text says that the URL has expired. It is judged before secrets are masked.
    SaysExpired: bool
}

/// Rules that this module keeps:
/// - an S3 error document is one, whatever its content type says;
/// - a page is HTML by its content type, or by its first tag (WHATWG MIME Sniffing, 7.1); without visible characters it
///   is no page: Swift labels an empty body `text/html`;
/// - a body of white space alone is empty if it is whole: Amazon S3 sends blanks to keep a connection alive;
/// - a store answers an upload with an empty body, or with one of a few result documents (`results`); behind Alibaba OSS a
///   callback's JSON is one. Of other bodies, only whole plain text and one JSON object are harmless, if they report no
///   error (`ErrorWords`): a gateway sends them. A document that breaks off, or is compressed or binary, says nothing;
/// - it takes time in proportion to the body.
[<RequireQualifiedAccess>]
module internal ResponseBody =

    /// The element of a result document that states the length of the object.
    [<Literal>]
    let Size = "Size"

    /// The number of characters of a body that are kept at most.
    [<Literal>]
    let MaxText = 2048

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

    /// The local name of the tag that begins at `at`; empty for an end tag.
    let private tagName (markup: string) (at: int) =
        let isNameChar (c: char) =
            Char.IsAsciiLetterOrDigit c || "-_.:".Contains c

        let mutable stop = at + 1

        while stop < markup.Length && isNameChar markup[stop] do
            stop <- stop + 1

        let name = markup.Substring(at + 1, stop - at - 1)
        name.Substring(name.LastIndexOf ':' + 1)

    /// The index of the end tag of the element whose start tag ends before `from`, or of the end of the text.
    let private endTag (markup: string) (name: string) (from: int) =
        let mutable at = from
        let mutable isFound = false

        while not isFound && at < markup.Length do
            match markup.IndexOf("</", at, StringComparison.Ordinal) with
            | -1 -> at <- markup.Length
            | i when (tagName markup (i + 1)).Equals(name, StringComparison.OrdinalIgnoreCase) ->
                at <- i
                isFound <- true
            | i -> at <- i + 2

        at

    /// The text of HTML or XML without its markup. The content of an element with the name of a credential is masked as
    /// a whole, since its name is lost with the markup. Other secrets stay: those that are known are masked first, when the
    /// text is shown.
    let private withoutMarkup (markup: string) =
        let text = StringBuilder()
        let mutable i = 0

        while i < markup.Length do
            match markup[i] with
            | '<' when String.CompareOrdinal(markup, i, "<![CDATA[", 0, 9) = 0 -> i <- i + 9
            | ']' when String.CompareOrdinal(markup, i, "]]>", 0, 3) = 0 -> i <- i + 3
            | '<' ->
                match behindInvisible markup i with
                | -1 ->
                    let stop = markup.IndexOf('>', i)
                    let name = tagName markup i

                    if stop < 0 then
                        i <- markup.Length
                        text.Append ' ' |> ignore
                    elif name <> "" && markup[stop - 1] <> '/' && NamedSecrets.isSecretName name then
                        i <- endTag markup name (stop + 1)
                        text.Append(' ').Append(Redaction.Mask) |> ignore
                    else
                        i <- stop + 1
                        text.Append ' ' |> ignore
                | behind ->
                    i <- behind
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

    /// The root elements of the documents with which stores answer a PUT: Amazon S3 and its kin, Tencent COS (images),
    /// Google Cloud Storage.
    let private results = [ "PutObjectResult"; "UploadResult"; "PostResponse" ]

    /// The elements of a result document whose texts are names and digests, not words.
    let private isOfObject (name: string) =
        match name with
        | "Bucket"
        | "Key"
        | "Location"
        | "ETag"
        | "VersionId"
        | Size -> true
        | _ -> name.StartsWith("Checksum", StringComparison.Ordinal)

    /// The elements of a whole result document that have no elements in them. Of an image that Tencent COS has processed,
    /// only those of the original are about the upload.
    let private leaves (text: string) (parts: XmlParts) : (string * string) list =
        if parts.IsWhole && List.contains parts.Root results then
            let document =
                XDocument.Parse(text.TrimStart([| ' '; '\t'; '\r'; '\n'; '\ufeff'; '\000' |]))

            let isOfOther (element: XElement) =
                parts.Root = "UploadResult"
                && isOfObject element.Name.LocalName
                && element.Ancestors()
                   |> Seq.forall (fun ancestor -> ancestor.Name.LocalName <> "OriginalInfo")

            [
                for element in document.Descendants() do
                    if not element.HasElements && not (isOfOther element) then
                        element.Name.LocalName, element.Value.Trim()
            ]
        else
            []

    let private meaningOfXml (text: string) (isEmpty: bool) (isWhole: bool) (parts: XmlParts) =
        let isResult = isWhole && parts.IsWhole && List.contains parts.Root results

        let words () =
            if isResult then
                let others = leaves text parts |> List.filter (fst >> isOfObject >> not)

                others |> List.exists (snd >> ErrorWords.areIn)
                || ErrorWords.areInElements isEmpty others
            elif List.contains parts.Root results then
                // What was read of one may be the half of a name.
                false
            else
                ErrorWords.areIn (visible (withoutMarkup text))

        if
            ErrorWords.areInMarkup text
            || parts.Elements |> List.exists (fun struct (name, _) -> name = "Code")
            || words ()
        then
            BodyMeaning.Error
        elif isResult then
            BodyMeaning.Result
        else
            BodyMeaning.Unknown

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

    let private foreign format text meaning =
        ResponseBody.Foreign {
            Format = format
            VisibleText = text
            Meaning = meaning
        }

    let private readText
        (contentType: string option)
        (isCallback: bool)
        (isEmpty: bool)
        (text: string)
        (isWhole: bool)
        (parts: XmlParts)
        =
        let start = text.AsSpan().TrimStart([| ' '; '\t'; '\r'; '\n'; '\ufeff' |])
        let mayBe word = mediaTypeHas word contentType

        if start.IsEmpty then
            // What is missing of a page is one.
            if not isWhole && mayBe "html" then
                foreign BodyFormat.Html "" BodyMeaning.Error
            else
                ResponseBody.Empty
        elif isBinary text then
            foreign BodyFormat.Binary "" BodyMeaning.Unknown
        elif mayBe "html" || beginsAsHtml text then
            foreign BodyFormat.Html (visible (withoutMarkup text)) BodyMeaning.Error
        elif start[0] = '{' || start[0] = '[' || mayBe "json" then
            let meaning =
                match ErrorWords.ofJson isEmpty text with
                | BodyMeaning.Harmless when isCallback -> BodyMeaning.Result
                // What a gateway calls JSON and is not.
                | BodyMeaning.Unknown when isWhole -> BodyMeaning.Error
                | meaning -> meaning

            foreign BodyFormat.Json (visible text) meaning
        elif start[0] = '<' || mayBe "xml" then
            foreign BodyFormat.Xml (visible (withoutMarkup text)) (meaningOfXml text isEmpty isWhole parts)
        else
            // Text with a tag in it is a page that begins in another way.
            let hasTag =
                text
                |> Seq.pairwise
                |> Seq.exists (fun (c, next) ->
                    c = '<' && (Char.IsAsciiLetter next || next = '!' || next = '/'))

            let meaning =
                if hasTag || ErrorWords.areIn text then BodyMeaning.Error
                elif isWhole then BodyMeaning.Harmless
                else BodyMeaning.Unknown

            foreign BodyFormat.Text (visible (if hasTag then withoutMarkup text else text)) meaning

    /// True if the text of a body that is not an S3 error says that the URL has expired.
    let private textSaysExpired (text: string) =
        text.Contains("expir", StringComparison.OrdinalIgnoreCase)
        && ExpiryText.says (visible (if text.Contains '<' then withoutMarkup text else text))

    /// Reads the beginning of a body (at most `S3Error.MaxBytes`) with the given content type and content coding.
    /// `isCallback` says whether the body may be that of a callback behind the store; `bytes` is the length of the file.
    let read
        (contentType: string option)
        (contentEncoding: string option)
        (isCallback: bool)
        (bytes: int64 option)
        (body: ReadOnlyMemory<byte>)
        (bodyEnd: BodyEnd)
        : BodyContent =
        let saying body saysExpired = {
            Body = body
            Result = []
            SaysExpired = saysExpired
        }

        if body.IsEmpty && bodyEnd = BodyEnd.Whole then
            saying ResponseBody.Empty false
        elif
            contentEncoding
            |> Option.exists (fun coding ->
                not (coding.Equals("identity", StringComparison.OrdinalIgnoreCase)))
        then
            // Nothing in the request says that it could be read (RFC 9110, 12.5.3).
            saying (foreign BodyFormat.Binary "" BodyMeaning.Unknown) false
        else
            let text = S3Error.decode (body.Slice(0, min body.Length S3Error.MaxBytes))
            let parts = S3Error.parts text

            match S3Error.ofParts parts with
            | Some error -> saying (ResponseBody.S3 error) (S3Error.saysExpired parts)
            | None -> {
                Body = readText contentType isCallback (bytes = Some 0L) text (bodyEnd = BodyEnd.Whole) parts
                Result =
                    if bodyEnd = BodyEnd.Whole then
                        leaves text parts |> List.filter (fst >> isOfObject)
                    else
                        []
                SaysExpired = textSaysExpired text
              }
