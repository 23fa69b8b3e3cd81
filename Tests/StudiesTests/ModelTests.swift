import Testing

import Studies

struct ModelTests {
    private func model(_ architecture: String, _ imageSize: Int? = nil, layers: Int? = nil) -> (inout StudyFile) -> Void {
        {
            $0.model.architecture = architecture
            $0.model.imageSize = imageSize
            $0.arms![2].layers = layers
            $0.arms![3].layers = layers
        }
    }

    /// Convolutions counted in the papers' and torchvision's tables; smallest images worked out by hand.
    @Test(
        arguments: [
            ("resnet18", 17, 8), ("custom-resnet18", 17, 8), ("vgg11", 8, 32), ("lenet", 2, 16), ("fixup-resnet20", 19, 8),
        ])
    func `layers and image sizes are those of the architecture`(name: String, layers: Int, smallest: Int) throws {
        let study = try example(model(name, smallest))
        #expect(study.model == ModelSpec(architecture: name, classes: 10, imageSize: smallest))
        // All layers where none are written.
        #expect(study.arms[2] == Arm(name: "gabor", method: .gabor(layers: layers)))
        guard case .clustered(let clustering) = study.arms[3].method else { Issue.record("\(study.arms)"); return }
        #expect(clustering.layers == layers)
        #expect(problems(model(name, smallest, layers: layers)).isEmpty)
        let tooMany = problems(model(name, smallest, layers: layers + 1))
        #expect(tooMany.map(\.path) == ["arms.gabor.layers", "arms.clustered.layers"])
        #expect(tooMany[0].message == "arms.gabor.layers is \(layers + 1), but \(name) has the layers 1…\(layers)")
        #expect(problems(model(name, smallest, layers: 0)).count == 2)
        #expect(problems(model(name, smallest - 1)).map(\.path) == ["model.image_size"])
        #expect(problems(model(name, 1024)).isEmpty)
        #expect(problems(model(name, 1025)).map(\.path) == ["model.image_size"])
    }

    @Test func `the table has every architecture`() {
        #expect(
            ModelArchitecture.allCases.map(\.rawValue) == ["resnet18", "custom-resnet18", "vgg11", "lenet", "fixup-resnet20"])
    }

    @Test func `the image size is the data's unless one is written`() throws {
        #expect(try example(model("vgg11")).model.imageSize == 32)
        #expect(try example { $0.model.imageSize = 28 }.model == ModelSpec(architecture: "resnet18", classes: 10, imageSize: 28))
    }

    @Test func `an unknown architecture is one problem, with the word it was meant to be`() {
        let found = problems(model("vgg-11", layers: 18))
        #expect(found.map(\.message) == ["model: \"vgg-11\" is unknown — did you mean \"vgg11\"?"])
        #expect(problems(model("fixup_resnet20"))[0].message.hasSuffix("did you mean \"fixup-resnet20\"?"))
        #expect(problems(model("lenet", 8))[0].message == "model.image_size is 8, but lenet needs images of at least 16 pixels")
    }

    @Test func `another network is a departure`() throws {
        let study = try example(model("vgg11", 64))
        #expect(
            study.deviations == [
                "network: vgg11 instead of resnet18", "network: images scaled to 64 pixels instead of 32 as they are",
            ])
    }
}
