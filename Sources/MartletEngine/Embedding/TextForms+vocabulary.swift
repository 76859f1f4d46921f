import Llama
import MartletGGUF
import MartletProtocol

extension InfillTokens {
    /// The tokens of a vocabulary.
    init(_ vocabulary: Vocabulary) {
        self.init()
        let tokens = vocabulary.infill
        (prefix, suffix, middle) = (tokens[0], tokens[1], tokens[2])
        (repository, separator) = (tokens[3], tokens[4])
        beginning = vocabulary.addsBeginning ? vocabulary.beginning : nil
    }
}

extension RerankFormat {
    /// The form that a model was trained with: the template `rerank` of its file, or the special tokens of its
    /// vocabulary.
    ///
    /// Example: `[CLS] query [SEP] document [SEP]` for BERT, and `<s> query </s></s> document </s>` for XLM-RoBERTa.
    init(_ model: Model, _ vocabulary: Vocabulary) {
        self.init()
        template = model.chatTemplate(named: "rerank")
        guard template == nil else { return }
        let closing = vocabulary.addsEnd ? vocabulary.end ?? vocabulary.separator : nil
        before = [vocabulary.addsBeginning ? vocabulary.beginning : nil].compactMap(\.self)
        between = [closing, vocabulary.separator].compactMap(\.self)
        after = [closing].compactMap(\.self)
    }
}

extension InProcessEngine {
    /// Checks that a model can score: libllama otherwise reports a number of an embedding as the score.
    ///
    /// - Throws: `loadFailed` if the file has no tensors of a classifier (`cls.…`), or cannot be read.
    static func checkClassifier(of model: Model) throws(LlamaError) {
        let isClassifier: Bool
        do throws(GGUFError) {
            let headers = try GGUFFile.headers(model.path)
            isClassifier = ([headers.first] + headers.others).contains { header in
                header.tensors.contains { $0.name.hasPrefix("cls.") }
            }
        } catch {
            throw LlamaError(.notAModel, "The model file \(model.path) \(error).")
        }
        guard isClassifier else {
            throw LlamaError(
                .loadFailed,
                "The model \(model.path) has no classifier (tensors 'cls.…'), so it cannot rank documents; use a "
                    + "reranking model, or omit --reranking and --pooling rank.")
        }
    }
}
