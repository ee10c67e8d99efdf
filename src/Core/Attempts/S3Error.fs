namespace CellOS.Export.S3.Core

open System
open System.IO
open System.Text
open System.Xml

/// An element of an error document that names the cause: a header, a parameter, a time frame.
type S3ErrorDetail = {
    /// The name of the element, one of `S3Error.detailNames`.
    Element: string
    /// Its text, on one line.
    Content: string
}

/// An S3 error document. Only these elements are read: others (`StringToSign`, `CanonicalRequest`, `AWSAccessKeyId`,
/// `SignatureProvided`) echo the credential. Each text is on one line. In a `Reply` it is as the server sent it: it is masked
/// when it is shown.
type S3Error = {
    /// The error code, such as `SignatureDoesNotMatch`.
    Code: string
    /// The message for people; it may quote the request.
    Message: string option
    /// The request id in the document.
    RequestId: string option
    /// The second id that a store's support asks for (`x-amz-id-2`).
    HostId: string option
    /// The region of the bucket.
    Region: string option
    /// The host that the request should have gone to.
    Endpoint: string option
    /// Elements that name the cause, in the order of the document.
    Details: S3ErrorDetail list
} with

    /// An error of which the code alone is known.
    static member Of(code: string) : S3Error = {
        Code = code
        Message = None
        RequestId = None
        HostId = None
        Region = None
        Endpoint = None
        Details = []
    }

/// The parts of an XML document that an error may be in.
type internal XmlParts = {
    /// The local name of the root element; empty where the text is not XML.
    Root: string
    /// The names and texts of the elements directly below the root, up to where the document ends or breaks off.
    Elements: struct (string * string) list
    /// True if the text is one whole document.
    IsWhole: bool
}

/// Rules that this module keeps (Amazon S3 API Reference, "Error responses"):
/// - no DTD is processed, so no entity is expanded and nothing is fetched;
/// - of a document that breaks off, what came before counts, if the code did;
/// - any other document (HTML, binary, a gateway's own words) is not an S3 error.
[<RequireQualifiedAccess>]
module S3Error =

    /// The number of bytes of a response's body that are read at most.
    [<Literal>]
    let MaxBytes = 65536

    /// The elements that become `S3Error.Details`: Amazon S3's `HeadersNotSigned`, the times of `RequestTimeTooSkewed`, sizes,
    /// and the header, condition, argument or method that it rejects; Google Cloud Storage's `ParameterName` and `Details`;
    /// Azure's `HeaderName`, `QueryParameterName` and `AuthenticationErrorDetail`. `ArgumentValue` may be a credential.
    [<CompiledName("DetailNames")>]
    let detailNames = [
        "HeaderName"
        "ParameterName"
        "QueryParameterName"
        "Details"
        "AuthenticationErrorDetail"
        "HeadersNotSigned"
        "RequestTime"
        "ServerTime"
        "Header"
        "Condition"
        "ArgumentName"
        "Method"
        "ProposedSize"
        "MaxSizeAllowed"
    ]

    /// Replaces line breaks of any kind, and characters that a terminal would act on, by blanks. The text is not
    /// shortened: the caller masks the secrets in it first.
    let private oneLine (value: string) =
        let result = StringBuilder(value.Length)

        for rune in value.EnumerateRunes() do
            result.Append(if Check.isHidden rune then " " else rune.ToString()) |> ignore

        result.ToString().Trim()

    let private isCode (value: string) =
        value <> ""
        && value.Length <= 64
        && value |> Seq.forall (fun c -> Char.IsAsciiLetterOrDigit c || c = '.' || c = '_')

    let private settings =
        XmlReaderSettings(
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            IgnoreComments = true,
            IgnoreProcessingInstructions = true,
            MaxCharactersInDocument = int64 MaxBytes
        )

    /// The text of a body: in UTF-8, or as its byte order mark says.
    let internal decode (body: ReadOnlyMemory<byte>) : string =
        use reader =
            new StreamReader(
                new MemoryStream(body.ToArray()),
                Encoding.UTF8,
                detectEncodingFromByteOrderMarks = true
            )

        reader.ReadToEnd()

    /// What gateways put before the declaration of a document.
    let private before = [| ' '; '\t'; '\r'; '\n'; '\ufeff'; '\000' |]

    /// Reads the root element and the elements below it, up to where the document ends or breaks off. The encoding in its
    /// declaration does not matter: it has been decoded.
    let internal parts (document: string) : XmlParts =
        let found = ResizeArray<struct (string * string)>()
        let mutable root = ""
        let mutable isWhole = false

        try
            use text = new StringReader(document.TrimStart before)
            use reader = XmlReader.Create(text, settings)
            let mutable name = ""
            let content = StringBuilder()

            while reader.Read() do
                match reader.NodeType with
                | XmlNodeType.Element when reader.Depth = 0 -> root <- reader.LocalName
                | XmlNodeType.Element when reader.Depth = 1 ->
                    name <- reader.LocalName
                    content.Clear() |> ignore
                | XmlNodeType.Text
                | XmlNodeType.CDATA
                | XmlNodeType.SignificantWhitespace
                | XmlNodeType.Whitespace when reader.Depth = 2 -> content.Append reader.Value |> ignore
                | XmlNodeType.EndElement when reader.Depth = 1 -> found.Add struct (name, content.ToString())
                | _ -> ()

            isWhole <- true
        with :? XmlException ->
            // A gateway's HTML, a document that was cut off, a DTD: the parts read so far are all there is.
            ()

        {
            Root = root
            Elements = List.ofSeq found
            IsWhole = isWhole
        }

    /// True if the parts of an error document say that the URL has expired. Their texts are as the server sent them.
    let internal saysExpired (parts: XmlParts) : bool =
        parts.Elements
        |> List.exists (fun struct (name, text) ->
            (name = "Code" || name = "Message" || List.contains name detailNames)
            && ExpiryText.says text)

    /// Returns the error in the parts of a document, its texts as the server sent them: known secrets must be masked before
    /// values are masked by their names. `None` if it is not an S3 error document, or does not get as far as its code.
    let internal ofParts (parts: XmlParts) : S3Error option =
        let element name =
            parts.Elements
            |> List.tryPick (fun struct (n, value) -> if n = name then Some(oneLine value) else None)
            |> Option.filter (fun value -> value <> "")

        if parts.Root <> "Error" then
            None
        else
            element "Code"
            |> Option.filter isCode
            |> Option.map (fun code -> {
                Code = code
                Message = element "Message"
                RequestId = element "RequestId"
                HostId = element "HostId"
                Region = element "Region"
                Endpoint = element "Endpoint"
                Details = [
                    for name in detailNames do
                        match element name with
                        | Some text -> { Element = name; Content = text }
                        | None -> ()
                ]
            })

    /// The error with each of its texts changed.
    let internal map (change: string -> string) (error: S3Error) : S3Error =
        let optional = Option.map change

        {
            Code = change error.Code
            Message = optional error.Message
            RequestId = optional error.RequestId
            HostId = optional error.HostId
            Region = optional error.Region
            Endpoint = optional error.Endpoint
            Details =
                error.Details
                |> List.map (fun detail -> {
                    detail with
                        Content = change detail.Content
                })
        }

    /// Parses the beginning (at most `MaxBytes`) of a response's body. `None` if it is not an S3 error document, or
    /// does not get as far as its code. Values of secret names are masked in it; secrets that only the caller knows are not.
    [<CompiledName("TryParse")>]
    let tryParse (body: ReadOnlyMemory<byte>) : S3Error option =
        body.Slice(0, min body.Length MaxBytes)
        |> decode
        |> parts
        |> ofParts
        |> Option.map (map Redaction.text)
