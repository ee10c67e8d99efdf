namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic

/// Compares the query of a presigned URL with the form that its scheme demands.
///
/// Rules that this module keeps:
/// - a URL of a scheme that is not known here has no defect;
/// - the names of known parameters are shown, and no value of any parameter.
[<RequireQualifiedAccess>]
module internal UrlDefects =

    /// The parameters of a query: the decoded value of the first of each name, and how often the name occurs.
    let private parametersOf (url: RequestUrl) =
        let found =
            Dictionary<string, struct (string * int)>(StringComparer.OrdinalIgnoreCase)

        let text = url.Value
        let mutable next = url.QueryFirst

        while next < text.Length do
            let parameter = QueryParameter.at text next

            if parameter.First < parameter.Stop then
                let name = Uri.UnescapeDataString((QueryParameter.name text parameter).ToString())

                found[name] <-
                    match found.TryGetValue name with
                    | true, struct (value, count) -> struct (value, count + 1)
                    | _ ->
                        struct (Uri.UnescapeDataString((QueryParameter.value text parameter).ToString()), 1)

            next <- parameter.Stop + 1

        found

    let private listed (names: string list) =
        match List.rev names with
        | [] -> ""
        | [ name ] -> name
        | last :: others -> String.Join(", ", List.rev others) + " and " + last

    /// Where a URL may have been cut, by whether a shell or a manifest holds it.
    let private quote (inManifest: bool) =
        if inManifest then
            "Give the whole URL, to the end of its signature."
        else
            "Give the whole URL, in quotes where a shell sets it: '&' ends a command there. If it is in quotes, it was cut before."

    let private lacks inManifest (scheme: SignatureScheme) (missing: string list) (count: int) =
        if count = 1 && List.contains scheme.Signature missing then
            ParameterDefects.incomplete
                $"the URL was cut at its first '&': it has no {scheme.Signature}"
                (quote inManifest)
        elif List.contains scheme.Signature missing then
            ParameterDefects.incomplete
                $"the URL has no signature: it lacks {listed missing}"
                "Give the whole URL: a program cut it, or removed parameters from it."
        else
            ParameterDefects.incomplete
                $"the URL has a signature of {scheme.Name}, and lacks {listed missing}"
                "Give the URL with all its parameters: the signature covers them."

    /// A signature that stands where no server looks for it.
    let private misplaced (url: RequestUrl) (names: string seq) =
        let isTrace (text: string) =
            [
                "X-Amz-Signature="
                "X-Amz-Algorithm="
                "X-Goog-Signature="
                "X-Goog-Algorithm="
                "AWSAccessKeyId="
            ]
            |> List.exists (fun mark -> text.Contains(mark, StringComparison.OrdinalIgnoreCase))

        let path = RequestUrl.path url

        if isTrace (Uri.UnescapeDataString path) then
            [
                ParameterDefects.mangled
                    "the parameters of the signature are in the path: the '?' before them is missing or percent-encoded"
                    "Give the URL as the presigner made it, with '?' before the first parameter."
            ]
        elif names |> Seq.exists isTrace then
            [
                ParameterDefects.mangled
                    "the '=' and '&' of the query are percent-encoded"
                    "Give the URL as the presigner made it: a program encoded its query as a whole."
            ]
        else
            []

    let private repeated (parameters: Dictionary<string, struct (string * int)>) (scheme: SignatureScheme) =
        SignatureForm.parametersOf scheme
        |> List.filter (fun name ->
            match parameters.TryGetValue name with
            | true, struct (_, count) -> count > 1
            | _ -> false)
        |> List.distinct
        |> fun names -> [
            if not names.IsEmpty then
                ParameterDefects.mangled $"the URL has {listed names} more than once" "Copy one URL, once."
        ]

    /// Parameters of SigV4 whose names are not written as SigV4 writes them: S3 looks for the names as they are.
    let private lowered (url: RequestUrl) (scheme: SignatureScheme) = [
        if scheme.Signature = "X-Amz-Signature" then
            let query = RequestUrl.revealQuery url

            let isOtherCase (name: string) =
                (RequestUrl.parameter name url).IsSome
                && not (("&" + Uri.UnescapeDataString query).Contains($"&{name}=", StringComparison.Ordinal))

            match SignatureForm.parametersOf scheme |> List.distinct |> List.filter isOtherCase with
            | [] -> ()
            | names -> {
                ParameterDefects.mangled
                    $"the names of {listed names} are not written like this: the case of their letters counts"
                    "Give the URL as the presigner made it: a program changed the case of its letters." with
                    // A presigner may have signed the names as they are.
                    IsFatal = false
              }
    ]

    /// True if a query has nothing but the beginning of a name.
    let private isBeginning (query: string) =
        query.AsSpan().IndexOfAny('=', '&') < 0
        && [
            "X-Amz-"
            "X-Goog-"
            "x-oss-"
            "q-sign-"
            "AWSAccess"
            "OSSAccess"
            "GoogleAccess"
           ]
           |> List.exists (fun start -> query.StartsWith(start, StringComparison.OrdinalIgnoreCase))

    let private unsigned (url: RequestUrl) inManifest =
        let hasNone =
            url.Query.Signature = UrlSignature.Unsigned
            || url.Query.Signature = UrlSignature.Unknown

        if hasNone && SignatureForm.isStore (RequestUrl.host url) then
            [
                ParameterDefects.incomplete
                    "the URL has no signature, and the store at its host accepts no upload without one"
                    (if url.QueryFirst = url.Value.Length then
                         "Give the presigned URL, with '?' and all that follows it."
                     else
                         quote inManifest)
            ]
        elif isBeginning (RequestUrl.revealQuery url) then
            [
                ParameterDefects.incomplete
                    "the URL ends within the name of its first parameter"
                    (quote inManifest)
            ]
        else
            []

    /// The defects of a URL as it stands. `bySiblings`: a signature without any other parameter of its scheme is a
    /// gateway's own.
    let private inspect inManifest bySiblings (url: RequestUrl) : UrlDefect list =
        let host = RequestUrl.host url
        let parameters = parametersOf url
        let has (name: string) = parameters.ContainsKey name
        let isAws = (S3Host.tryParse host).IsSome

        let value (name: string) =
            match parameters.TryGetValue name with
            | true, struct (value, _) -> value
            | _ -> ""

        match misplaced url parameters.Keys, SignatureForm.schemeOf host has with
        | [], None -> unsigned url inManifest
        | [], Some scheme ->
            let missing = SignatureForm.missing scheme has value

            let isAlone =
                has scheme.Signature
                && (SignatureForm.parametersOf scheme |> List.distinct |> List.filter has) = [
                    scheme.Signature
                ]

            if bySiblings && isAlone then
                []
            else
                [
                    if not missing.IsEmpty then
                        lacks inManifest scheme missing parameters.Count

                    yield! repeated parameters scheme

                    let isThere (name: string) = not (List.contains name missing)

                    if isThere scheme.Signature then
                        yield! ParameterDefects.signature scheme value

                    if isThere scheme.Required.Head then
                        yield! ParameterDefects.algorithm scheme value

                    match scheme.Credential with
                    | Some name when isThere name ->
                        yield! ParameterDefects.credential scheme value
                        yield! ParameterDefects.scope isAws scheme value
                    | _ -> ()

                    yield! ParameterDefects.masks value
                    yield! ParameterDefects.permissions scheme value
                    yield! lowered url scheme

                    match scheme.Lifetime with
                    | Some name when isThere name ->
                        yield! ParameterDefects.lifetime (isAws || scheme.Name = "GOOG4") scheme value
                    | _ -> ()

                    yield! ParameterDefects.securityToken value

                    if missing.IsEmpty then
                        yield! ParameterDefects.times scheme url
                        yield! ParameterDefects.signedHeaders scheme value
                ]
        | misplaced, _ -> misplaced

    let private search (inManifest: bool) (bySiblings: bool) (url: RequestUrl) : UrlDefect list =
        let isOurs (name: string) =
            name.Equals("x-id", StringComparison.OrdinalIgnoreCase)
            || (SignatureForm.schemeOf (RequestUrl.host url) (fun other ->
                    (RequestUrl.parameter other url).IsSome)
                |> Option.exists (fun scheme ->
                    SignatureForm.parametersOf scheme
                    |> List.exists (fun known -> known.Equals(name, StringComparison.OrdinalIgnoreCase))))

        match UrlTrailer.find url with
        | Some trailer when isOurs trailer.Parameter ->
            ParameterDefects.mangled
                $"the URL ends with {trailer.Name}, which is not a part of it"
                $"Copy the URL again, without {trailer.Name}."
            :: (match RequestUrl.parse trailer.Before with
                | Ok url -> inspect inManifest bySiblings url
                | Error _ -> [])
        | _ -> inspect inManifest bySiblings url

    /// The defects of a URL; none for one of a scheme that is not known here.
    let find (inManifest: bool) (bySiblings: bool) (url: RequestUrl) : UrlDefect list =
        if UsualUrl.test url then [] else search inManifest bySiblings url
