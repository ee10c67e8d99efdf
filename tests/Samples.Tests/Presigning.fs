/// What brokers and commands are asked for, and a store that checks what they sign.
module Samples.Tests.Presigning

open System
open System.Net.Http
open System.Security.Cryptography
open System.Text
open System.Text.Json
open System.Text.Json.Nodes
open Expecto
open LoopbackS3

let private settings = LoopbackS3Options()

let region = settings.Region

/// The keys of the store, as all AWS tools read them.
let keys = [
    "AWS_ACCESS_KEY_ID", settings.AccessKey
    "AWS_SECRET_ACCESS_KEY", settings.SecretKey
]

/// What no log and no error response may contain.
let secrets = [ settings.AccessKey; settings.SecretKey; "X-Amz-Signature" ]

let startStore () = LoopbackS3Server.StartAsync settings

/// The request for the URL of an artifact with this content, bound to it.
let requestFor (prefix: string) (cell: string) (artifact: string) (content: string) : JsonObject =
    let key = String.Join('/', [ prefix; cell; artifact ] |> List.filter ((<>) ""))
    let bytes = Encoding.UTF8.GetBytes content

    let text =
        JsonSerializer.Serialize {|
            version = 1
            target = "artifact-bucket"
            cellId = cell
            artifactName = artifact
            bucket = "evidence"
            key = key
            region = region
            attempt = 1
            contentLength = bytes.Length
            contentType = "text/plain"
            headers = dict [ "If-None-Match", "*"; "x-amz-meta-run", "42" ]
            sha256 = Convert.ToBase64String(SHA256.HashData bytes)
            md5 = Convert.ToBase64String(MD5.HashData bytes)
            unknownField = true
        |}

    (nonNull (JsonNode.Parse text)).AsObject()

/// The request with another value in one place.
let withField (name: string) (value: 'a) (request: JsonObject) : JsonObject =
    let changed = request.DeepClone().AsObject()
    changed[name] <- JsonSerializer.SerializeToNode value
    changed

/// The request without a field.
let without (name: string) (request: JsonObject) : JsonObject =
    let changed = request.DeepClone().AsObject()
    changed.Remove name |> ignore
    changed

/// The value of this name.
let field (name: string) (node: JsonNode) : JsonNode =
    match node[name] with
    | null -> failtest $"'{name}' is missing: {node}"
    | found -> found

/// The text at the end of a path of names.
let text (names: string list) (node: JsonNode) : string =
    (names |> List.fold (fun node name -> field name node) node).GetValue<string>()

let private client = new HttpClient()

/// Uploads content as the exporter does: with the headers of the request and of the response. Returns the status.
let upload (request: JsonObject) (response: JsonNode) (content: string) =
    task {
        let mutable asItIs =
            UriCreationOptions(DangerousDisablePathAndQueryCanonicalization = true)

        use message =
            new HttpRequestMessage(HttpMethod.Put, Uri(text [ "url" ] response, &asItIs))

        use body = new ByteArrayContent(Encoding.UTF8.GetBytes content)
        message.Content <- body

        for fields in [ request; response.AsObject() ] do
            match fields["headers"] with
            | null -> ()
            | headers ->
                for header in headers.AsObject() do
                    let value = string header.Value

                    if not (message.Headers.TryAddWithoutValidation(header.Key, value)) then
                        body.Headers.TryAddWithoutValidation(header.Key, value) |> ignore

        match request["contentType"] with
        | null -> ()
        | value -> body.Headers.TryAddWithoutValidation("Content-Type", string value) |> ignore

        use! reply = client.SendAsync message
        let! page = reply.Content.ReadAsStringAsync()
        return int reply.StatusCode, page
    }

/// Proves that the URL is good for this content, and for no other.
let isBoundTo (content: string) (request: JsonObject) (response: JsonNode) =
    task {
        let other = String.replicate (Encoding.UTF8.GetByteCount content) "!"
        let! status, page = upload request response other
        Expect.equal status 400 $"other content: {page}"
        Expect.stringContains page "BadDigest" "the store's reason"
        let! status, page = upload request response (content + content)
        Expect.equal status 403 $"another length: {page}"
        let! status, page = upload request response content
        Expect.equal status 200 $"the content: {page}"
    }
