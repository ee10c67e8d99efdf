namespace CellOS.Export.S3.Core

open System.Collections.Generic
open System.Text.Json

/// What a source of URLs is asked for: a presigned URL for a PUT of one artifact. The values of its headers may be
/// credentials, so `ToString` names the headers only.
type UrlRequest = {
    /// The name of the target in the cell spec.
    Target: string option
    /// The cell whose evidence it is.
    CellId: string
    /// The artifact's name within its cell.
    ArtifactName: string
    /// The bucket that it goes to.
    Bucket: string
    /// The object key, not percent-encoded.
    Key: string
    /// The region of the bucket.
    Region: string option
    /// The attempt that the URL is for: 1 for the first.
    Attempt: int
    /// The number of bytes of the artifact.
    ContentLength: int64
    /// The `Content-Type` that the upload will carry.
    ContentType: string option
    /// The other headers that the upload will carry, names and values.
    Headers: KeyValuePair<string, string> list
    /// The digests of the content; empty unless they were taken to be signed.
    Digests: Digest list
} with

    override this.ToString() =
        let headers = this.Headers |> List.map _.Key |> String.concat ", "
        $"attempt {this.Attempt} of {this.ArtifactName} to {this.Bucket}/{this.Key}, headers: {headers}"

/// Makes requests for URLs, and writes them for brokers and commands.
///
/// Rules that this module keeps:
/// - the request is one JSON object on one line, `"version": 1` first;
/// - what is unknown is left out; `headers` is always there;
/// - digests are in Base64, as headers carry them.
[<RequireQualifiedAccess>]
module UrlRequest =

    /// The version of the protocol.
    [<Literal>]
    let Version = 1

    /// The digests that a source of URLs can sign, in the order of the request.
    [<CompiledName("Bound")>]
    let bound = [ DigestAlgorithm.Sha256; DigestAlgorithm.Md5; DigestAlgorithm.Crc64Nvme ]

    /// Returns the request for an artifact of this length in bytes. Digests of other algorithms than `bound` are left out.
    [<CompiledName("Create")>]
    let create (plan: PushPlan) (attempt: int) (length: int64) (digests: Digest list) : UrlRequest = {
        Target = plan.Target.Name |> Option.map TargetName.value
        CellId = CellId.value plan.Target.CellId
        ArtifactName = ArtifactName.value plan.Artifact
        Bucket = plan.Target.Bucket |> Option.map Bucket.value |> Option.defaultValue ""
        Key = ObjectKey.value plan.Key
        Region = plan.Target.Region
        Attempt = attempt
        ContentLength = length
        ContentType = plan.ContentType
        Headers =
            PushPlan.ownHeaders { plan with ContentType = None }
            |> List.map (fun header -> KeyValuePair(RequestHeader.name header, RequestHeader.reveal header))
        Digests =
            bound
            |> List.choose (fun algorithm ->
                digests |> List.tryFind (fun digest -> digest.Algorithm = algorithm))
    }

    /// Returns the digest of this algorithm, if the request has one.
    [<CompiledName("Digest")>]
    let digest (algorithm: DigestAlgorithm) (request: UrlRequest) : Digest option =
        request.Digests |> List.tryFind (fun digest -> digest.Algorithm = algorithm)

    /// Returns the values of headers that no message may contain.
    [<CompiledName("Secrets")>]
    let secrets (request: UrlRequest) : string list =
        request.Headers
        |> List.filter (fun header -> RequestHeader.isSecret (RequestHeader.trust header.Key header.Value))
        |> List.collect (fun header -> SecretParts.withParts header.Value)

    /// Returns the request as one line of JSON, without a line break at its end.
    [<CompiledName("ToJson")>]
    let toJson (request: UrlRequest) : string =
        JsonLine.write (fun (json: Utf8JsonWriter) ->
            json.WriteNumber("version", Version)
            JsonLine.optional json "target" request.Target
            json.WriteString("cellId", request.CellId)
            json.WriteString("artifactName", request.ArtifactName)
            json.WriteString("bucket", request.Bucket)
            json.WriteString("key", request.Key)
            JsonLine.optional json "region" request.Region
            json.WriteNumber("attempt", request.Attempt)
            json.WriteNumber("contentLength", request.ContentLength)
            JsonLine.optional json "contentType" request.ContentType
            json.WriteStartObject "headers"

            for header in request.Headers do
                json.WriteString(header.Key, header.Value)

            json.WriteEndObject()

            for digest in request.Digests do
                json.WriteString(digest.Algorithm.Name, digest.Base64))
