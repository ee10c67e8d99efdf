namespace CellOS.Export.S3.Core

open System
open FsToolkit.ErrorHandling

/// One header field of a request, fit for the wire. Its value may be a credential (the key of SSE-C, a gateway's
/// token), so only `RequestHeader.reveal` gives it.
[<Sealed>]
type RequestHeader internal (name: string, value: string) =
    /// As it is written on the wire.
    member _.Name = name

    member internal _.Value = value

    /// The name in lower case, as signatures list it. Every attempt asks for it.
    member val internal Key = name.ToLowerInvariant()

    override _.Equals other =
        match other with
        | :? RequestHeader as other ->
            String.Equals(other.Name, name, StringComparison.Ordinal)
            && String.Equals(other.Value, value, StringComparison.Ordinal)
        | _ -> false

    override _.GetHashCode() =
        HashCode.Combine(
            name.GetHashCode StringComparison.Ordinal,
            value.GetHashCode StringComparison.Ordinal
        )

    override _.ToString() = name + ": " + Redaction.Mask

/// Headers that a caller asks for, beside those that make up the request itself.
///
/// Rules that this module keeps:
/// - names match without regard to case (RFC 9110, 5.1), and are there once;
/// - what frames the message, addresses it, authorizes it, makes it another operation than an upload of the whole
///   file, or has a setting of its own, is refused with what to do instead;
/// - no message holds a value, nor what stands behind the first character that a name may not have.
[<RequireQualifiedAccess>]
module RequestHeader =

    /// The customer's own key (Amazon S3 User Guide, "Using server-side encryption with customer-provided keys").
    [<Literal>]
    let CustomerKey = "x-amz-server-side-encryption-customer-key"

    /// The MD5 of the customer's own key, which identifies it.
    [<Literal>]
    let internal CustomerKeyMd5 = CustomerKey + "-md5"

    /// More than S3 takes in all headers together (8 KB; Amazon S3 API Reference, "PutObject").
    [<Literal>]
    let MaxValueLength = 8192

    /// The longest name. No registered one is half as long.
    [<Literal>]
    let MaxNameLength = 256

    /// The name as it is written on the wire.
    [<CompiledName("Name")>]
    let name (header: RequestHeader) = header.Name

    /// The value, which may be a credential, for the request itself and for who presigns it.
    [<CompiledName("Reveal")>]
    let reveal (header: RequestHeader) = header.Value

    /// The name in lower case, as signatures list it.
    let internal key (header: RequestHeader) = header.Key

    /// A header of the library's own making.
    let internal trust (name: string) (value: string) = RequestHeader(name, value)

    /// Whether the value is to be looked for in what a server says. A gateway may take its token under any name, so
    /// only headers are let off that S3 and HTTP give a meaning which is not a secret. Of these, metadata whose value looks random, or
    /// whose name is that of a credential, is looked for.
    let internal isSecret (header: RequestHeader) =
        match key header with
        | CustomerKey
        | CustomerKeyMd5 -> true
        | "accept"
        | "cache-control"
        | "content-disposition"
        | "content-encoding"
        | "content-language"
        | "content-md5"
        | "content-type"
        | "expires"
        | "if-none-match" -> false
        | "user-agent" -> PathTokens.hasRandomRun header.Value
        | name when not (name.StartsWith("x-amz-", StringComparison.Ordinal)) -> true
        | name ->
            name = "x-amz-mfa"
            || NamedSecrets.isSecretName name
            || name.StartsWith("x-amz-meta-", StringComparison.Ordinal)
               && PathTokens.hasRandomRun header.Value

    /// The texts of a secret value that no message may contain: the value, its parts, and of credentials with a scheme
    /// (`Bearer …`) what follows the scheme.
    let internal secretTexts (header: RequestHeader) : string list =
        let ofScheme =
            match key header, header.Value.IndexOf ' ' with
            | "authorization", i when i > 0 -> SecretParts.withParts (header.Value.Substring(i + 1))
            | _ -> []

        SecretParts.withParts header.Value @ ofScheme

    /// `token` of RFC 9110, 5.6.2.
    let private isTokenChar (c: char) =
        Char.IsAsciiLetterOrDigit c
        || (match c with
            | '!'
            | '#'
            | '$'
            | '%'
            | '&'
            | '\''
            | '*'
            | '+'
            | '-'
            | '.'
            | '^'
            | '_'
            | '`'
            | '|'
            | '~' -> true
            | _ -> false)

    let private isFraming (name: string) =
        match name with
        | "connection"
        | "keep-alive"
        | "proxy-connection"
        | "te"
        | "trailer"
        | "transfer-encoding"
        | "upgrade"
        | "http2-settings" -> true
        | _ -> false

    let private isPrecondition (name: string) =
        match name with
        | "if-match"
        | "if-modified-since"
        | "if-unmodified-since"
        | "if-range" -> true
        | _ -> false

    let private isAuthorization (name: string) =
        match name with
        | "authorization"
        | "proxy-authorization"
        | "proxy-authenticate"
        | "cookie"
        | "x-amz-security-token"
        | "x-amz-s3session-token"
        | "x-amz-credential"
        | "x-amz-signature" -> true
        | _ -> false

    let private isDiagnostics (name: string) =
        match name with
        | "traceparent"
        | "tracestate"
        | "baggage"
        | "request-id"
        | "correlation-context" -> true
        | _ -> false

    /// Headers of a body in chunks that carry signatures or trailers ("aws-chunked"), which this one has not.
    let private isChunking (name: string) =
        match name with
        | "x-amz-decoded-content-length"
        | "x-amz-trailer" -> true
        | _ -> false

    /// What is wrong with asking for a header of this name (in lower case), and what to do instead.
    let private reserved (name: string) =
        match name with
        | "host" -> Some("is the URL's own", "Give the host in the URL that was presigned for it.")
        | "content-length" -> Some("is the file's own length", "Leave it out: it is always sent.")
        | "content-type" ->
            Some(
                "has a place of its own",
                "Give it as the ContentType of the artifact's metadata (push --header takes it as well)."
            )
        | "content-md5" ->
            Some(
                "is computed from the file",
                $"Set ContentMd5 ({Variable.ContentMd5}<TARGET>=1); it is sent by itself where a SigV4 URL signs it."
            )
        | "if-none-match" ->
            Some("has a setting of its own", $"Set WriteOnce ({Variable.WriteOnce}<TARGET>=1).")
        | "expect" ->
            Some(
                "has a setting of its own",
                $"Set ExpectContinueMinBytes ({Variable.ExpectContinueMinBytes}), in bytes."
            )
        | _ when isPrecondition name ->
            // After an attempt without a reply, the next would find its own object and be told that it differs.
            Some(
                "is a condition that a repeated attempt cannot keep",
                $"The one condition of an export is never to overwrite: WriteOnce ({Variable.WriteOnce}<TARGET>=1)."
            )
        | _ when isFraming name ->
            Some("belongs to the connection", "Leave it out: the store does not keep it.")
        | _ when isAuthorization name ->
            Some(
                "would carry a credential",
                "Leave it out: the signature in the URL is the whole authentication, and a proxy's credentials belong into the proxy's URL."
            )
        | _ when isDiagnostics name ->
            Some(
                "is for tracing, and is not sent to a store",
                "Give what is to be kept as metadata (x-amz-meta-…), presigned with it."
            )
        | _ when isChunking name ->
            Some("is for a body in signed chunks", "Leave it out: the file is sent as it is.")
        | _ ->
            OperationHeaders.operation name
            |> Option.map (fun operation ->
                $"makes the request {operation}, not an upload of the whole file",
                "Leave it out: a receipt is for an object that holds the file and nothing else.")

    /// The names of the headers that make a PUT another operation than an upload of the whole file, and that operation. `*`
    /// in a name stands for any characters.
    [<CompiledName("OtherOperations")>]
    let otherOperations: (string * string) list = OperationHeaders.table

    /// Whether a caller may ask for a header of this name (in lower case).
    let internal isFree (name: string) = (reserved name).IsNone

    let private checkedName (name: string) : Result<string, Refusal> =
        let bad = name |> Seq.tryFindIndex (isTokenChar >> not)

        match bad with
        | _ when name = "" -> Check.refuse "header name" "is empty" "Give one such as 'x-amz-meta-run'."
        | Some at ->
            let shown =
                if at = 0 then
                    "begins"
                else
                    $"goes on after {Check.quote (name.Substring(0, at))}"

            Check.refuse
                "header name"
                $"{shown} with the character U+%04X{int name[at]}, which a name cannot hold"
                "Give letters, digits and '-', without the colon (RFC 9110, 5.6.2)."
        | None when name.Length > MaxNameLength ->
            Check.refuse
                "header name"
                $"{Check.quote name} is {name.Length} characters long; {MaxNameLength} are allowed"
                "Shorten it."
        | None -> Ok name

    let private characterProblem (value: string) =
        value
        |> Seq.tryFindIndex (fun c -> c <> '\t' && (c < ' ' || c > '~'))
        |> Option.map (fun at ->
            if value[at] > '\u007f' then
                $"holds a character outside ASCII at position {at + 1}",
                "Percent-encode it, or encode it as RFC 2047 has it ('=?UTF-8?B?…?='), which S3 asks for in metadata."
            else
                $"holds the control character U+%04X{int value[at]} at position {at + 1}",
                "Give visible ASCII with spaces between, on one line.")

    /// What a value would do to the upload itself.
    let private meaningProblem (name: string) (value: string) =
        match name with
        | "content-encoding" when value.Contains("aws-chunked", StringComparison.OrdinalIgnoreCase) ->
            Some("says 'aws-chunked', and the file is sent as it is", "Take it out of the list.")
        | "x-amz-content-sha256" when
            value <> "UNSIGNED-PAYLOAD"
            && not (value.Length = 64 && String.forall Char.IsAsciiHexDigit value)
            ->
            Some(
                "is neither UNSIGNED-PAYLOAD nor a SHA-256",
                "Give 64 hexadecimal digits: the file is not sent in signed chunks."
            )
        | "x-ms-blob-type" when not (value.Equals("BlockBlob", StringComparison.OrdinalIgnoreCase)) ->
            Some(
                "makes the request the creation of an empty blob, not an upload of the whole file",
                "Give 'BlockBlob': a page blob and an append blob are filled by other requests."
            )
        | _ -> None

    let private checkedValue (name: string) (value: string) : Result<string, Refusal> =
        let refuse (problem, remedy) =
            Check.refuse $"header {Check.quote name}" problem remedy

        let trimmed = value.Trim(' ', '\t')

        if trimmed = "" then
            refuse ("has no value", "Give one, or leave the header out.")
        elif trimmed.Length > MaxValueLength then
            refuse (
                $"has a value of {trimmed.Length} characters; {MaxValueLength} are allowed",
                "Shorten it: S3 takes 8 KB in all headers together, and 2 KB of metadata (x-amz-meta-…)."
            )
        else
            match
                characterProblem trimmed
                |> Option.orElseWith (fun () -> meaningProblem (name.ToLowerInvariant()) trimmed)
            with
            | Some problem -> refuse problem
            | None -> Ok trimmed

    /// The header, its value without outer blanks and tabs; or why it cannot be asked for.
    [<CompiledName("Create")>]
    let create (name: string | null) (value: string | null) : Result<RequestHeader, Refusal> =
        result {
            let! name = checkedName (name |> Option.ofObj |> Option.defaultValue "")

            do!
                match reserved (name.ToLowerInvariant()) with
                | Some(problem, remedy) -> Check.refuse $"header {Check.quote name}" problem remedy
                | None -> Ok()

            let! value = checkedValue name (value |> Option.ofObj |> Option.defaultValue "")
            return RequestHeader(name, value)
        }

    /// Names for a message: the first of them, quoted, and how many more there are. In a list of signed headers there may
    /// be a token, if a separator was lost: what is not a header's name is masked.
    let internal shownNames (names: string list) =
        let quoted (name: string) =
            Check.quote (if ParameterForm.isHeaderName name then name else Redaction.Mask)

        let told = names |> List.truncate 5 |> List.map quoted

        match names.Length - told.Length with
        | 0 -> String.concat " and " told
        | more -> String.concat ", " told + Check.invariant $" and {more} more"
