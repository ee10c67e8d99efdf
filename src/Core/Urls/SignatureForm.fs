namespace CellOS.Export.S3.Core

open System

/// How a value compares with the form that its scheme demands.
[<RequireQualifiedAccess>]
type internal Form =
    | Fits
    /// The characters are right, and there are too few.
    | Short of Expected: string
    | Wrong of Expected: string

/// A scheme of signatures by its parameters.
type internal SignatureScheme = {
    /// Its name in messages.
    Name: string
    /// The parameter with the signature.
    Signature: string
    /// The others that every URL of this scheme has. One of the alternatives within `|` is enough.
    Required: string list
    /// The parameter with the credential's scope.
    Credential: string option
    /// The last part of that scope.
    Terminator: string
    /// The parameter with the lifetime in seconds.
    Lifetime: string option
    /// The form of the signature, by the algorithm that the URL names.
    Form: string -> string -> Form
}

/// The schemes, and the forms of their signatures (Amazon S3 API Reference, "Authenticating Requests: Using Query
/// Parameters"; "Signing and Authenticating REST Requests"; Google Cloud Storage, "Signed URLs"; Azure Storage, "Create a
/// service SAS"; Alibaba OSS and Tencent COS, signatures in URLs; OpenStack Swift, "TempURL").
[<RequireQualifiedAccess>]
module internal SignatureForm =

    let private lengths (counts: int list) (unit: string) =
        (counts |> List.map string |> String.concat ", ") + " " + unit

    let private digits (alphabet: string) (name: string) (counts: int list) (value: string) =
        let expected = lengths counts name

        if value.AsSpan().IndexOfAnyExcept(alphabet.AsSpan()) >= 0 then
            Form.Wrong expected
        elif List.contains value.Length counts then
            Form.Fits
        elif value.Length < List.max counts then
            Form.Short expected
        else
            Form.Wrong expected

    /// Hexadecimal digits in lower case, as presigners write them.
    let private hex = digits "0123456789abcdef" "hexadecimal digits in lower case"

    let private hexInAnyCase = digits "0123456789abcdefABCDEF" "hexadecimal digits"

    /// Base64 with its padding.
    let private base64 (octets: int list) (value: string) =
        let counts = octets |> List.map (fun count -> (count + 2) / 3 * 4)
        let expected = lengths counts "characters in Base64"
        let body = value.TrimEnd '='
        let padding = value.Length - body.Length

        let isAlphabet =
            body
                .AsSpan()
                .IndexOfAnyExcept("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".AsSpan())
                <
                0

        let fits (count: int) =
            (count + 2) / 3 * 4 = value.Length && padding = (3 - count % 3) % 3

        if not isAlphabet || padding > 2 then Form.Wrong expected
        elif List.exists fits octets then Form.Fits
        elif value.Length < List.max counts then Form.Short expected
        else Form.Wrong expected

    /// ECDSA in DER: two numbers of 32 octets at most.
    let private der (value: string) =
        match hexInAnyCase [ 136; 138; 140; 142; 144 ] value with
        | Form.Short _ when value.Length >= 130 && value.Length % 2 = 0 -> Form.Fits
        | form -> form

    let private scheme name signature required (form: string -> string -> Form) = {
        Name = name
        Signature = signature
        Required = required
        Credential = None
        Terminator = ""
        Lifetime = None
        Form = form
    }

    let private aws4 = {
        scheme
            "SigV4"
            "X-Amz-Signature"
            [
                "X-Amz-Algorithm"
                "X-Amz-Credential"
                "X-Amz-Date"
                "X-Amz-Expires"
                "X-Amz-SignedHeaders"
            ]
            (fun algorithm value ->
                if algorithm.StartsWith("AWS4-ECDSA-", StringComparison.OrdinalIgnoreCase) then
                    der value
                else
                    hex [ 64 ] value) with
            Credential = Some "X-Amz-Credential"
            Terminator = "aws4_request"
            Lifetime = Some "X-Amz-Expires"
    }

    let private google4 = {
        scheme
            "GOOG4"
            "X-Goog-Signature"
            [
                "X-Goog-Algorithm"
                "X-Goog-Credential"
                "X-Goog-Date"
                "X-Goog-Expires"
                "X-Goog-SignedHeaders"
            ]
            (fun algorithm value ->
                if algorithm.Contains("HMAC", StringComparison.OrdinalIgnoreCase) then
                    hexInAnyCase [ 64 ] value
                else
                    hexInAnyCase [ 256; 512; 768; 1024 ] value) with
            Credential = Some "X-Goog-Credential"
            Terminator = "goog4_request"
            Lifetime = Some "X-Goog-Expires"
    }

    let private oss4 = {
        scheme
            "OSS4"
            "x-oss-signature"
            [ "x-oss-signature-version"; "x-oss-credential"; "x-oss-date"; "x-oss-expires" ]
            (fun _ value -> hex [ 64 ] value) with
            Credential = Some "x-oss-credential"
            Terminator = "aliyun_v4_request"
            Lifetime = Some "x-oss-expires"
    }

    let private sha1 (_: string) = base64 [ 20 ]

    let private aws2 = scheme "SigV2" "Signature" [ "AWSAccessKeyId"; "Expires" ] sha1

    let private oss =
        scheme "the first signature version of OSS" "Signature" [ "OSSAccessKeyId"; "Expires" ] sha1

    let private obs = scheme "OBS" "Signature" [ "AccessKeyId"; "Expires" ] sha1

    let private google2 =
        scheme "GOOG2" "Signature" [ "GoogleAccessId"; "Expires" ] (fun _ ->
            base64 [ 20; 128; 256; 384; 512 ])

    let private cos =
        scheme
            "COS"
            "q-signature"
            [
                "q-sign-algorithm"
                "q-ak"
                "q-sign-time"
                "q-key-time"
                "q-header-list="
                "q-url-param-list="
            ]
            (fun _ -> hex [ 40 ])

    let private azure =
        scheme "SAS" "sig" [ "sv"; "se|si"; "sp|si" ] (fun _ -> base64 [ 32 ])

    let private swift =
        scheme "TempURL" "temp_url_sig" [ "temp_url_expires" ] (fun _ value ->
            match value.IndexOf ':' with
            | -1 -> hexInAnyCase [ 40; 64; 128 ] value
            | _ -> Form.Fits)

    /// The schemes of which every parameter has a prefix of its own.
    let private prefixed = [
        aws4,
        [
            "Algorithm"
            "Credential"
            "Date"
            "Expires"
            "SignedHeaders"
            "Signature"
            "Security-Token"
            "Content-Sha256"
        ]
        |> List.map ((+) "X-Amz-")
        google4,
        [ "Algorithm"; "Credential"; "Date"; "Expires"; "SignedHeaders"; "Signature" ]
        |> List.map ((+) "X-Goog-")
        oss4,
        [ "signature-version"; "credential"; "date"; "expires"; "signature" ]
        |> List.map ((+) "x-oss-")
        cos,
        [ "algorithm"; "time" ]
        |> List.map ((+) "q-sign-")
        |> List.append [ "q-ak"; "q-key-time"; "q-signature" ]
        swift, [ "temp_url_sig"; "temp_url_expires" ]
        aws2, [ "AWSAccessKeyId" ]
        google2, [ "GoogleAccessId" ]
        oss, [ "OSSAccessKeyId" ]
    ]

    /// The hosts of Azure's blobs, in all its clouds.
    let private isAzure (host: string) =
        host.Contains(".blob.core.", StringComparison.Ordinal)
        || host.Contains(".blob.storage.azure.", StringComparison.Ordinal)

    /// True if the host is a store's, which accepts no request without a signature.
    let isStore (host: string) : bool =
        (S3Host.tryParse host).IsSome || isAzure host || StoreHost.needsSignature host

    /// The scheme of a URL on the host, by the names of its parameters; `None` if it has none that is known here.
    let schemeOf (host: string) (has: string -> bool) : SignatureScheme option =
        let byMark =
            prefixed
            |> List.filter (fun (_, names) -> List.exists has names)
            |> List.map fst

        let signed = byMark |> List.tryFind (fun scheme -> has scheme.Signature)

        match signed |> Option.orElse (List.tryHead byMark) with
        | Some scheme -> Some scheme
        | None when has "AccessKeyId" && (has "Signature" || has "Expires") -> Some obs
        | None when
            isAzure host && (has "sv" || has "sig")
            || has "sv" && ([ "se"; "sp"; "sr"; "ss"; "srt"; "spr" ] |> List.exists has)
            ->
            Some azure
        | None when (S3Host.tryParse host).IsSome && (has "Signature" || has "Expires") -> Some aws2
        | None -> None

    /// The parameters of a scheme.
    let parametersOf (scheme: SignatureScheme) : string list = [
        scheme.Signature
        for name in scheme.Required do
            yield! (name.TrimEnd '=').Split '|'
        match List.tryFind (fun (known: SignatureScheme, _) -> known.Name = scheme.Name) prefixed with
        | Some(_, names) -> yield! names
        | None -> ()
    ]

    /// The parameters that a URL of the scheme lacks, an empty one among them unless it may be empty.
    let missing (scheme: SignatureScheme) (has: string -> bool) (value: string -> string) : string list =
        let isThere (name: string) =
            if name.EndsWith '=' then
                has (name.TrimEnd '=')
            else
                name.Split '|' |> Array.exists (fun name -> has name && value name <> "")

        scheme.Required @ [ scheme.Signature ]
        |> List.filter (isThere >> not)
        |> List.map (fun name -> (name.TrimEnd '=').Split('|')[0])
