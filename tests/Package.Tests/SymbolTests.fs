module Package.Tests.SymbolTests

open System
open System.Collections.Immutable
open System.Reflection.Metadata
open System.Reflection.PortableExecutable
open Expecto
open Package.Tests
open Package.Tests.Packages

/// The kind of custom debug information that holds a document's text (Portable PDB format).
let private embeddedSource = Guid "0E8A571B-6926-466E-B4AD-8AB04611F5FE"

let private assemblies (it: Library) =
    if it = tool then
        "tools/net10.0/any", [ "cellos-export-s3"; "CellOS.Export.S3"; "CellOS.Export.S3.Core" ]
    else
        "lib/net10.0", [ it.Id ]

/// Whether the symbols are those of the assembly, and hold all of its sources.
let private check (name: string) (dll: byte[]) (pdb: byte[]) =
    use assembly = new PEReader(ImmutableArray.Create<byte> dll)

    use provider =
        MetadataReaderProvider.FromPortablePdbImage(ImmutableArray.Create<byte> pdb)

    let symbols = provider.GetMetadataReader()
    let entries = assembly.ReadDebugDirectory()

    Expect.isTrue
        (entries |> Seq.exists (fun it -> it.Type = DebugDirectoryEntryType.Reproducible))
        $"{name} is built to be built again"

    let view =
        entries
        |> Seq.find (fun it -> it.Type = DebugDirectoryEntryType.CodeView)
        |> assembly.ReadCodeViewDebugDirectoryData

    let id = BlobContentId((nonNull symbols.DebugMetadataHeader).Id)
    Expect.equal view.Guid id.Guid $"the symbols are of this {name}"
    let documents = symbols.Documents |> List.ofSeq
    Expect.isGreaterThan documents.Length 10 $"{name} has documents"

    for handle in documents do
        let document = symbols.GetDocument handle
        let path = symbols.GetString document.Name
        Expect.stringStarts path "/_/" $"a path in {name} begins at the repository's root"

        let isWithin =
            symbols.GetCustomDebugInformation(DocumentHandle.op_Implicit handle: EntityHandle)
            |> Seq.exists (fun it ->
                symbols.GetGuid((symbols.GetCustomDebugInformation it).Kind) = embeddedSource)

        Expect.isTrue isWithin $"the text of {path} is in the symbols of {name}"

[<Tests>]
let tests =
    testList "the symbols" [
        testCaseTask "fit the assemblies, and hold the sources" (fun () ->
            task {
                let! folder = made ()

                for it in all do
                    let package = Package.filesOf (pathOf folder it.Id "nupkg")
                    let symbols = Package.filesOf (pathOf folder it.Id "snupkg")
                    Expect.sequenceEqual (Package.packageTypesOf symbols) [ "SymbolsPackage" ] "the type"
                    let place, names = assemblies it

                    for name in names do
                        check name package[$"{place}/{name}.dll"] symbols[$"{place}/{name}.pdb"]
            })
    ]
