namespace CellOS.Export.S3.Core

open System
open System.IO
open System.Text
open System.Xml

/// What S3 says of a refusal in its XML error document. Only these elements are read: others
/// (`StringToSign`, `CanonicalRequest`, `AWSAccessKeyId`, `SignatureProvided`) echo the credential.
/// Each text is on one line, of bounded length, and redacted.
type S3Error = {
    /// The error code, such as `SignatureDoesNotMatch`.
    Code: string
    /// What S3 says to people; it may quote the request.
    Message: string option
    /// The request's id, as the document tells it.
    RequestId: string option
    /// The second id that a support asks for (`x-amz-id-2`).
    HostId: string option
    /// The region that the bucket is in, where S3 tells.
    Region: string option
    /// The host that the request should have gone to, where S3 tells.
    Endpoint: string option
} with

    /// An error of which the code alone is known.
    static member Of(code: string) : S3Error = {
        Code = code
        Message = None
        RequestId = None
        HostId = None
        Region = None
        Endpoint = None
    }

/// Rules that this module keeps (Amazon S3 API Reference, "Error responses"):
/// - no DTD is processed, so no entity is expanded and nothing is fetched;
/// - of a document that breaks off, what came before counts, if the code did;
/// - anything else (HTML, binary, a gateway's own words) is no S3 error.
[<RequireQualifiedAccess>]
module S3Error =

    /// The most bytes of a reply's body that are looked at.
    [<Literal>]
    let MaxBytes = 65536

    /// Line breaks of any kind and what a terminal would act on become blanks. It is not shortened: that is for
    /// whoever has masked the secrets in it first.
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

    /// The texts of the elements directly below `Error`, up to where the document ends or breaks.
    let private elements (body: ReadOnlyMemory<byte>) =
        let found = ResizeArray<struct (string * string)>()

        try
            use stream = new MemoryStream(body.ToArray(), false)
            use reader = XmlReader.Create(stream, settings)
            let mutable inError = false
            let mutable name = ""
            let text = StringBuilder()

            while reader.Read() do
                match reader.NodeType with
                | XmlNodeType.Element when reader.Depth = 0 -> inError <- reader.LocalName = "Error"
                | XmlNodeType.Element when reader.Depth = 1 ->
                    name <- reader.LocalName
                    text.Clear() |> ignore
                | XmlNodeType.Text
                | XmlNodeType.CDATA
                | XmlNodeType.SignificantWhitespace
                | XmlNodeType.Whitespace when reader.Depth = 2 -> text.Append reader.Value |> ignore
                | XmlNodeType.EndElement when reader.Depth = 1 && inError ->
                    found.Add struct (name, text.ToString())
                | _ -> ()
        with :? XmlException ->
            // A gateway's HTML, a document that was cut off, a DTD: what was read so far is all there is.
            ()

        found

    /// Reads the beginning (at most `MaxBytes` are looked at) of a reply's body. `None` if it is no S3 error
    /// document, or does not get as far as its code.
    [<CompiledName("TryParse")>]
    let tryParse (body: ReadOnlyMemory<byte>) : S3Error option =
        let found = elements (body.Slice(0, min body.Length MaxBytes))

        let element name =
            found
            |> Seq.tryPick (fun struct (n, value) -> if n = name then Some(oneLine value) else None)
            |> Option.filter (fun value -> value <> "")
            |> Option.map Redaction.text

        element "Code"
        |> Option.filter isCode
        |> Option.map (fun code -> {
            Code = code
            Message = element "Message"
            RequestId = element "RequestId"
            HostId = element "HostId"
            Region = element "Region"
            Endpoint = element "Endpoint"
        })
